"""Which stream is read, how it is shown, and what is said of damage."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from av.video.frame import VideoFrame
from made_files import RATE, add_silence, mux_silence, pictures, set_matrix, write

from mien.errors import InputError
from mien.media.decode import decode, probe
from mien.media.report import DecodeReport


def read(path: Path, **options: object) -> tuple[list, DecodeReport]:
    report = DecodeReport()
    return list(decode(path, report, **options)), report  # type: ignore[arg-type]


def write_streams(path: Path, *kinds: tuple[tuple[int, int], int], sound: bool = False) -> Path:
    """Write one stream of six frames per (size, disposition); attached pictures hold one."""
    with av.open(str(path), "w") as output:
        streams = []
        for size, disposition in kinds:
            stream = output.add_stream("mjpeg", rate=RATE)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p"
            stream.disposition = disposition
            streams.append(stream)
        silence = add_silence(output) if sound else None
        output.start_encoding()
        for stream, (size, disposition) in zip(streams, kinds, strict=True):
            for i, picture in enumerate(pictures(1 if disposition & 1024 else 6, size)):
                frame = VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, RATE)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        if silence is not None:
            mux_silence(output, silence, 1)
    return path


def test_the_main_stream_is_read_not_a_cover_or_a_preview(tmp_path):
    path = write_streams(tmp_path / "cover.mp4", ((96, 80), 1024), ((64, 48), 0))
    frames, report = read(path)
    assert (len(frames), frames[0].rgb.shape) == (6, (48, 64, 3))
    assert report.notes == []
    path = write_streams(tmp_path / "preview.mkv", ((32, 16), 0), ((64, 48), 1))
    frames, report = read(path)
    assert frames[0].rgb.shape == (48, 64, 3)
    assert report.notes == ["video stream 1 is read, not 0"]
    assert read(path, stream=0)[0][0].rgb.shape == (16, 32, 3)
    assert probe(path, stream=0).stream == 0
    with pytest.raises(InputError, match="stream 7 is no video; its video streams: 0, 1"):
        read(path, stream=7)


def test_files_without_video_are_named(tmp_path):
    path = write_streams(tmp_path / "cover.mp4", ((96, 80), 1024), sound=True)
    with pytest.raises(InputError, match="only a cover picture beside its sound, no video"):
        read(path)


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((1, 0, 0, 1), (0, 0)),
        ((-1, 0, 0, 1), (0, 1)),
        ((1, 0, 0, -1), (1, 0)),
        ((-1, 0, 0, -1), (1, 1)),
        ((0, 1, -1, 0), (0, 1)),  # a quarter clockwise: the top left corner goes to the right
        ((0, -1, 1, 0), (1, 0)),
        ((0, 1, 1, 0), (0, 0)),
        ((0, -1, -1, 0), (1, 1)),
    ],
)
def test_display_matrices_turn_and_mirror(tmp_path, matrix, corner):
    path = write(tmp_path / "v.mp4", 6)
    set_matrix(path, *matrix)
    frame = next(decode(path))
    height, width = (64, 48) if matrix[1] else (48, 64)
    assert frame.rgb.shape == (height, width, 3)
    info = probe(path)
    assert (info.width, info.height) == (width, height)
    corners = frame.rgb[[2, -3]][:, [2, -3]].mean(2)
    assert np.unravel_index(corners.argmax(), (2, 2)) == corner


def test_mirroring_inside_the_stream_holds_for_all_its_frames(tmp_path):
    source = write(tmp_path / "v.mp4", 30)  # the first frame alone says it, of three key frames
    with av.open(str(source)) as file, av.open(str(tmp_path / "m.mp4"), "w") as output:
        stream = output.add_stream_from_template(file.streams.video[0])
        flip = BitStreamFilterContext(
            "h264_metadata=display_orientation=insert:flip=horizontal", file.streams.video[0]
        )
        for packet in file.demux(video=0):
            for changed in flip.filter(packet if packet.size else None):
                changed.stream = stream
                output.mux(changed)
    mirrored, report = read(tmp_path / "m.mp4")
    for frame, plain in zip(mirrored, decode(source), strict=True):
        assert np.array_equal(frame.rgb, plain.rgb[:, ::-1])
    note = "the orientation comes with 1 frame of 30: taken for those that follow"
    assert report.notes == [note]
    assert read(source)[1].notes == []


def test_pixels_come_out_square_and_boxes_go_back(tmp_path):
    path = write(tmp_path / "wide.mp4", 6, aspect=Fraction(2, 1))
    frames, report = read(path)
    assert frames[0].rgb.shape == (48, 128, 3)
    assert "pixels are 2 times as wide as high" in report.notes[0]
    box = np.array([[20, 10, 60, 40]], np.float32)
    assert frames[0].to_file_pixels(box).tolist() == [[10, 10, 30, 40]]
    info = probe(path)
    assert (info.width, info.height, info.file_width, info.file_height) == (128, 48, 64, 48)
    set_matrix(path, 0, 1, -1, 0)  # turned: the pixels are twice as high as wide
    assert next(decode(path)).rgb.shape == (128, 48, 3)
    assert next(decode(path)).to_file_pixels(box).tolist() == [[20, 5, 60, 20]]
    tall = next(decode(write(tmp_path / "tall.mp4", 6, aspect=Fraction(1, 2))))
    assert tall.rgb.shape == (96, 64, 3)
    assert tall.to_file_pixels(box).tolist() == [[20, 5, 60, 20]]


def test_frames_of_another_size_are_told(tmp_path):
    small = write(tmp_path / "a.ts", 12, size=(32, 16)).read_bytes()
    (tmp_path / "v.ts").write_bytes(write(tmp_path / "b.ts", 12).read_bytes() + small)
    frames, report = read(tmp_path / "v.ts")
    assert {frame.rgb.shape for frame in frames} == {(48, 64, 3), (16, 32, 3)}
    assert "the frame size changes: 64 × 48, 32 × 16" in report.notes


@pytest.mark.parametrize("name", ["v.mkv", "v.mp4", "v.avi", "v.flv"])
def test_truncated_files_give_their_frames_and_say_so(tmp_path, name):
    options = {"movflags": "+faststart"} if name.endswith("mp4") else {}
    whole = write(tmp_path / name, 60, mux_options=options, noise=60)  # frames outweigh headers
    frames, report = read(whole)
    assert (len(frames), report.damage) == (60, [])
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) * 6 // 10])
    frames, report = read(whole)
    assert 10 < len(frames) < 50
    assert report.truncated
    assert report.damage[0].startswith("truncated: ")
    kept = decode(whole, strict=True)
    with pytest.raises(InputError, match=r"truncated|damaged"):
        list(kept)


@pytest.mark.parametrize("name", ["v.mkv", "v.mp4", "v.webm"])
def test_long_sound_does_not_make_a_video_truncated(tmp_path, name):
    if name.endswith("webm"):  # no codec of its own for the sound: Matroska under that name
        path = write(tmp_path / name, container="matroska", sound_s=8)
    else:
        path = write(tmp_path / name, sound_s=8)
    frames, report = read(path, strict=True)
    assert (len(frames), report.damage) == (24, [])


def test_a_stream_that_starts_between_key_frames_is_read_from_the_next(tmp_path):
    path = write(tmp_path / "v.ts", change=lambda i, _: i >= 5)
    frames, report = read(path, strict=True)
    assert len(frames) == 12
    assert report.leading_s == pytest.approx(7 / RATE, abs=0.15)
    assert "no key frame before their end" in report.notes[0]


def test_a_damaged_packet_is_skipped_counted_and_refused_when_strict(tmp_path):
    path = write(tmp_path / "v.mp4")
    with av.open(str(path)) as file:
        packet = [p for p in file.demux(video=0) if p.size][7]
        place, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    path.write_bytes(data)
    frames, report = read(path)
    assert 20 <= len(frames) < 24
    assert report.damaged_packets == 1
    assert report.notes[0] == "1 damaged packet skipped"
    with pytest.raises(InputError, match=r"v\.mp4: damaged after"):
        read(path, strict=True)


def test_titles_and_names_that_are_no_utf8_are_read(tmp_path, capfd):
    path = write(tmp_path / "v.avi")
    with av.open(str(path)) as file, av.open(str(tmp_path / "t.avi"), "w") as output:
        output.metadata["title"] = "Andrea"
        stream = output.add_stream_from_template(file.streams.video[0])
        for packet in file.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    data = (tmp_path / "t.avi").read_bytes()
    assert b"Andrea" in data
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.avi"))
    try:
        odd.write_bytes(data.replace(b"Andrea", b"Andr\xe9e"))
    except OSError:
        pytest.skip("this file system takes no name that is no UTF-8")
    assert len(read(odd)[0]) == 24
    odd.write_bytes(b"nothing")
    with pytest.raises(InputError) as caught:
        read(odd)
    assert "caf\\xe9.avi: is not a video" in str(caught.value)
    str(caught.value).encode()
    assert capfd.readouterr() == ("", "")


def test_damage_anywhere_is_one_line_and_times_rise(tmp_path, capfd):
    source, refusals = np.random.default_rng(0), []
    for name in ("v.mp4", "v.mkv", "v.ts", "v.avi"):
        data = write(tmp_path / name).read_bytes()
        for _ in range(5):
            broken = bytearray(data)
            for place in source.integers(0, len(data), 20):
                broken[place] = source.integers(256)
            (tmp_path / name).write_bytes(broken)
            try:
                times = [frame.time_s for frame in read(tmp_path / name)[0]]
            except InputError as error:
                refusals.append(str(error))
            else:
                assert (np.diff(times) > 0).all()
    assert all("\n" not in line for line in refusals)
    assert capfd.readouterr() == ("", "")
