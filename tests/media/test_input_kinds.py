"""Kinds of files: by name, by content, and pictures of every sort."""

import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from made_files import write
from PIL import Image

from mien.errors import InputError
from mien.media.decode import decode, is_video, probe
from mien.media.images import is_image, page_count, pages_of, picture_format, read_image
from mien.media.kinds import find_inputs, kind_of, nothing_found
from mien.media.report import DecodeReport


def plain(level: int, size: tuple[int, int] = (20, 10)) -> Image.Image:
    return Image.new("RGB", size, (level, level, level))


def animate(path: Path, levels: tuple[int, ...] = (20, 120, 220), **options: object) -> Path:
    first, *others = [plain(level) for level in levels]
    first.save(path, save_all=True, append_images=others, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.webp", {"duration": [100, 300, 200], "lossless": True}),
        ("a.png", {"duration": [100, 300, 200]}),
        ("a.avif", {"duration": [100, 300, 200]}),
        ("a.gif", {"duration": [100, 300, 200]}),
    ],
)
def test_animated_pictures_are_videos(tmp_path, name, options):
    path = animate(tmp_path / name, **options)
    assert kind_of(path) == "video"
    report = DecodeReport()
    frames = list(decode(path, report))
    assert [f.time_s for f in frames] == pytest.approx([0, 0.1, 0.4])
    assert frames[-1].until_s == pytest.approx(0.6, abs=0.11)
    levels = [f.rgb.mean() for f in frames]
    assert levels == pytest.approx([20, 120, 220], abs=3)
    assert (probe(path).width, probe(path).height, report.decoded) == (20, 10, 3)
    assert report.stamps == "as in the file"
    assert read_image(path).mean() == pytest.approx(20, abs=3)


def test_still_pictures_are_photographs_whatever_their_name(tmp_path):
    for name, form in (("a.webp", "WEBP"), ("b.mp4", "PNG"), ("c.gif", "GIF"), ("d", "AVIF")):
        plain(90).save(tmp_path / name, format=form)
        assert kind_of(tmp_path / name) == "image"
        assert read_image(tmp_path / name).mean() == pytest.approx(90, abs=2)
    with pytest.raises(InputError, match=r"is not a video but a photograph \(PNG\)"):
        next(decode(tmp_path / "b.mp4"))


def test_pages_are_read_one_by_one(tmp_path):
    path = animate(tmp_path / "p.tif")
    assert (kind_of(path), page_count(path)) == ("pages", 3)
    assert [page.mean() for page in pages_of(path)] == [20, 120, 220]
    assert read_image(path, page=2).mean() == 220
    with pytest.raises(InputError, match="no page 3; it has 3"):
        read_image(path, page=3)
    plain(7).save(tmp_path / "one.tif")
    assert (kind_of(tmp_path / "one.tif"), page_count(tmp_path / "one.tif")) == ("image", 1)


def test_videos_are_told_by_content_where_the_name_is_not_enough(tmp_path):
    write(tmp_path / "v.mp4").rename(tmp_path / "clip")
    (tmp_path / "notes.txt").write_text("no video\n" * 20)
    assert kind_of(tmp_path / "clip") == "video"
    assert kind_of(tmp_path / "notes.txt") == "other"
    assert kind_of(tmp_path / "none.mp4") == "video"
    for name in ("a.y4m", "a.MJPEG", "a.mjpg", "a.h264", "a.ts"):
        assert is_video(Path(name))
    for name in ("a.jfif", "a.HEIC", "a.avif", "a.jpg"):
        assert is_image(Path(name))


def test_bare_pictures_in_a_row_are_a_video(tmp_path):
    plain(20).save(tmp_path / "a.jpg")
    plain(200).save(tmp_path / "b.jpg")
    both = (tmp_path / "a.jpg").read_bytes() + (tmp_path / "b.jpg").read_bytes()
    (tmp_path / "v.mjpeg").write_bytes(both * 5)
    assert kind_of(tmp_path / "v.mjpeg") == "video"
    levels = [frame.rgb.mean() for frame in decode(tmp_path / "v.mjpeg")]
    assert levels == pytest.approx([20, 200] * 5, abs=2)
    frames = list(decode(write(tmp_path / "v.y4m", codec="wrapped_avframe")))
    assert [f.time_s for f in frames] == pytest.approx([i / 25 for i in range(24)])


def exif(orientation: int) -> bytes:
    """Return EXIF with a signed rational of -1 / 0, which Pillow reads and cannot write."""
    entries = struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0)
    entries += struct.pack("<HHII", 0x9204, 10, 1, 8 + 2 + 24 + 4)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<Iii", 0, -1, 0)


def test_exif_that_cannot_be_rewritten_turns_the_picture_all_the_same(tmp_path):
    image = plain(10)
    image.paste((250, 250, 250), (0, 0, 5, 5))
    corners = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1)}
    for orientation, corner in {**corners, 8: (1, 0)}.items():
        image.save(tmp_path / "a.jpg", exif=exif(orientation), quality=95)
        rgb = read_image(tmp_path / "a.jpg")
        assert rgb.shape == ((10, 20, 3) if orientation < 5 else (20, 10, 3))
        bright = rgb[[1, -2]][:, [1, -2]].mean(2)
        assert np.unravel_index(bright.argmax(), (2, 2)) == corner


def test_damaged_pictures_are_one_line_and_nothing_leaks(tmp_path, capfd):
    animate(tmp_path / "a.tif", compression="tiff_lzw")
    animate(tmp_path / "a.webp")
    animate(tmp_path / "a.png")
    plain(9).save(tmp_path / "a.jpg", exif=exif(6))
    source, refusals = np.random.default_rng(0), []
    for path in sorted(tmp_path.iterdir()):
        data = path.read_bytes()
        for _ in range(25):
            broken = bytearray(data)
            for place in source.integers(8, len(data), 6):
                broken[place] = source.integers(256)
            path.write_bytes(broken)
            kind_of(path)
            try:
                list(pages_of(path))
            except InputError as error:
                refusals.append(str(error))
    assert refusals
    assert all("\n" not in line for line in refusals)
    assert capfd.readouterr() == ("", "")


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def write_heic(path: Path, size: tuple[int, int] = (64, 64)) -> Path:
    """Write two tiles of one H.265 picture beside each other, as telephones do."""
    movie = path.with_suffix(".mp4")
    options = {"x265-params": "log-level=none"}
    write(movie, 1, codec="libx265", size=size, options=options)
    with av.open(str(movie)) as file:
        coded = bytes(next(file.demux(video=0)))
        header = bytes(file.streams.video[0].codec_context.extradata)
    movie.unlink()
    full = b"\0\0\0\0"
    items = ((1, b"grid"), (2, b"hvc1"), (3, b"hvc1"))
    infe = [box(b"infe", b"\2\0\0\0", struct.pack(">HH", i, 0), k, b"\0") for i, k in items]
    grid = struct.pack(">BBBBHH", 0, 0, 0, 1, size[0] * 2, size[1])
    properties = box(
        b"iprp",
        box(
            b"ipco",
            box(b"ispe", full, struct.pack(">II", size[0] * 2, size[1])),
            box(b"ispe", full, struct.pack(">II", *size)),
            box(b"hvcC", header),
        ),
        box(
            b"ipma",
            full,
            struct.pack(">I", 3),
            struct.pack(">HBB", 1, 1, 1),
            struct.pack(">HBBB", 2, 2, 2, 0x83),
            struct.pack(">HBBB", 3, 2, 2, 0x83),
        ),
    )

    def meta(data_start: int) -> bytes:
        places = ((1, data_start, len(grid)), *((i, data_start + 8, len(coded)) for i in (2, 3)))
        iloc = [struct.pack(">HHHII", i, 0, 1, start, length) for i, start, length in places]
        return box(
            b"meta",
            full,
            box(b"hdlr", full, b"\0\0\0\0pict", bytes(13)),
            box(b"pitm", full, struct.pack(">H", 1)),
            box(b"iinf", full, struct.pack(">H", 3), *infe),
            box(b"iref", full, box(b"dimg", struct.pack(">HHHH", 1, 2, 2, 3))),
            properties,
            box(b"iloc", full, b"\x44\0", struct.pack(">H", 3), *iloc),
        )

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    assert len(grid) == 8
    start = len(head) + len(meta(0)) + 8
    path.write_bytes(head + meta(start) + box(b"mdat", grid, coded))
    return path


def test_heic_is_read_whole_not_one_tile(tmp_path):
    pytest.importorskip("pi_heif")
    path = write_heic(tmp_path / "a.heic")
    rgb = read_image(path)
    assert rgb.shape == (64, 128, 3)
    assert np.abs(rgb[:, :64].astype(int) - rgb[:, 64:]).max() <= 1
    assert rgb[4, 4].mean() > 200 > 50 > rgb[60, 60].mean()
    assert kind_of(path) == "image"
    with pytest.raises(InputError, match=r"is not a video but a photograph \(HEIC\)"):
        next(decode(path))


def test_folders_are_listed_with_what_was_skipped(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.mp4", "a.jpg", "notes.txt", ".hidden.jpg", "sub/c.heic"):
        (tmp_path / name).touch()
    files, skipped = find_inputs([tmp_path, tmp_path / "a.jpg", tmp_path / "none.mp4"])
    assert [f.name for f in files] == ["a.jpg", "b.mp4", "none.mp4"]
    assert {path.name: why for path, why in skipped} == {
        ".hidden.jpg": "hidden",
        "notes.txt": "neither a video nor a photograph by its name",
        "sub": "a subfolder",
        "a.jpg": "named twice",
    }
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    files, skipped = find_inputs([tmp_path], recursive=True)
    assert [f.name for f in files] == ["a.jpg", "b.mp4", "c.heic"]
    assert (tmp_path / "sub" / "loop", "a link to a folder") in skipped


@pytest.mark.parametrize("name", ["p.mp4", "p.jpg", "p"])
def test_pipes_are_no_files_and_nobody_waits_for_them(tmp_path, name):
    pipe = tmp_path / name
    os.mkfifo(pipe)
    assert picture_format(pipe) is None
    for read in (probe, read_image, lambda path: next(decode(path))):
        with pytest.raises(InputError, match=r"is not a file$"):
            read(pipe)


def test_what_a_folder_holds_instead_is_told(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "notes.txt").touch()
    files, skipped = find_inputs([tmp_path])
    assert files == []
    text = str(nothing_found([tmp_path], "video", skipped))
    assert text.startswith(f"{tmp_path}: holds no video (skipped: ")
    assert "sub: a subfolder" in text
    assert text.endswith("--recursive looks into subfolders)")
    assert str(nothing_found([tmp_path], "video", [])) == f"{tmp_path}: holds no video"


def test_what_cannot_be_looked_at_is_a_reason(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").touch()
    look = Path.stat

    def refuse(path, **kwargs):
        if path.name == "a.mp4":
            raise PermissionError(13, "Permission denied")
        return look(path, **kwargs)

    monkeypatch.setattr(Path, "stat", refuse)
    files, skipped = find_inputs([tmp_path])
    assert [path.name for path in files] == ["b.mp4"]
    assert skipped == [(tmp_path / "a.mp4", "cannot be read (Permission denied)")]
