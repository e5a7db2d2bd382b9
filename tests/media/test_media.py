import os
import subprocess
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mien.errors import InputError
from mien.media.decode import Frame, decode, probe
from mien.media.encode import VideoWriter
from mien.media.images import fit_within, grid, quiet, read_image, write_image
from mien.media.resample import resample


def ffmpeg(*arguments: object) -> None:
    import imageio_ffmpeg  # comes with the detector's carrier

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *map(str, arguments)]
    subprocess.run(command, check=True)


def write_video(path: Path, times: list[float], size: tuple[int, int] = (64, 48)) -> Path:
    """Write one frame per time, its brightness its number: variable frame rates included."""
    with VideoWriter(path) as video:
        for i, time_s in enumerate(times):
            video.write(np.full((size[1], size[0], 3), 10 + 5 * i, np.uint8), time_s)
    return path


def grid_of(times: list[float], fps: float) -> list[tuple[int, int]]:
    frames = [Frame(i, t, t + 1 / 1000, None) for i, t in enumerate(times)]  # type: ignore
    return [(k, frame.index) for k, frame in resample(frames, fps)]


def test_resampling_by_hand():
    # 15 fps to 30: each frame twice. 60 to 30: every other. A gap is held.
    assert grid_of([0, 1 / 15, 2 / 15], 30) == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)]
    assert grid_of([i / 60 for i in range(5)], 30) == [(0, 0), (1, 2), (2, 4)]
    assert grid_of([0, 0.2, 0.21], 10) == [(0, 0), (1, 0), (2, 1)]


def test_times_in_milliseconds_lose_no_frame():
    times = [round(i / 30, 3) for i in range(300)]
    assert grid_of(times, 30) == [(i, i) for i in range(300)]


@given(st.lists(st.floats(0.001, 0.5), min_size=1, max_size=50), st.sampled_from([5.0, 25.0, 30.0]))
def test_the_grid_has_no_hole_and_shows_what_was_on_screen(gaps, fps):
    times = np.concatenate([[0.0], np.cumsum(gaps)]).tolist()
    points = grid_of(times, fps)
    assert [k for k, _ in points] == list(range(len(points)))
    assert (len(points) - 1) / fps <= times[-1] + 0.6 / fps
    for k, index in points:
        early = 0.25 / fps if index and 0.8 < gaps[index - 1] * fps < 1.2 else 0.0006
        assert times[index] <= k / fps + early
        if index + 1 < len(times):
            assert times[index + 1] >= k / fps - 1e-9


def test_variable_frame_rates_keep_their_times(tmp_path):
    times = [0.0, 0.1, 0.15, 0.4, 0.42, 1.0]
    frames = list(decode(write_video(tmp_path / "v.mp4", times)))
    assert [f.time_s for f in frames] == pytest.approx(times, abs=1e-4)
    assert [f.index for f in frames] == list(range(6))
    levels = [int(f.rgb.mean()) for f in frames]
    assert levels == sorted(levels)


def test_the_clip_decodes_whole(clip):
    info = probe(clip)
    frames = list(decode(clip))
    assert (info.file_width, info.file_height, len(frames)) == (176, 144, 120)
    assert info.pixel_aspect == pytest.approx(128 / 117)  # a phone's CIF: pixels are not square
    assert frames[0].rgb.shape == (info.height, info.width, 3) == (144, 193, 3)
    assert frames[-1].time_s == pytest.approx(119 * 1001 / 30000, abs=1e-4)
    assert len(list(resample(decode(clip), 30))) == 120


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_files_come_out_upright(clip, tmp_path, degrees):
    ffmpeg("-display_rotation", degrees, "-i", clip, "-c", "copy", tmp_path / "turned.mp4")
    ffmpeg("-i", tmp_path / "turned.mp4", "-frames:v", "1", tmp_path / "reference.png")
    expected = np.asarray(Image.open(tmp_path / "reference.png").convert("RGB"))
    frame = next(decode(tmp_path / "turned.mp4"))
    height, width = expected.shape[:2]
    assert frame.rgb.shape[:2] == ((144, 193) if degrees == 180 else (193, 144))
    as_stored = np.asarray(Image.fromarray(frame.rgb).resize((width, height)))
    assert np.abs(as_stored.astype(int) - expected).mean() < 2
    info = probe(tmp_path / "turned.mp4")
    assert (info.file_height, info.file_width) == expected.shape[:2]
    whole = np.array([[0, 0, info.width, info.height]], np.float32)
    assert frame.to_file_pixels(whole).tolist() == [[0, 0, width, height]]


def test_bad_files_are_told_apart(clip, tmp_path):
    whole = clip.read_bytes()
    ffmpeg("-i", clip, "-c", "copy", "-movflags", "+faststart", tmp_path / "front.mp4")
    front = (tmp_path / "front.mp4").read_bytes()
    (tmp_path / "no-index.mp4").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "cut.mp4").write_bytes(front[: len(front) // 3])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("this is no video\n" * 50)
    for name, words in (
        ("none.mp4", "does not exist"),
        ("empty.mp4", "is empty"),
        ("text.mp4", "is not a video"),
        ("cut.mp4", "truncated|damaged"),
        ("no-index.mp4", "truncated|damaged|is not a video"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            list(decode(tmp_path / name, strict=True))
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(InputError, match="is not a file"):
        probe(tmp_path)


def test_a_file_with_sound_only_holds_no_video(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate, sound.time_base = 44100, Fraction(1, 44100)
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="holds sound and no video"):
        probe(tmp_path / "a.mp4")


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.ffconcat"])
def test_playlists_cannot_reach_other_files(clip, tmp_path, name):
    playlist = f"#EXTM3U\n#EXTINF:4,\n{clip}\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile {clip}\n"
    (tmp_path / name).write_text(concat if name.endswith("concat") else playlist)
    with pytest.raises(InputError, match="is not a video"):
        list(decode(tmp_path / name))


def test_odd_sizes_are_encoded(tmp_path):
    frames = list(decode(write_video(tmp_path / "o.mp4", [0, 0.1, 0.2], (65, 49))))
    assert frames[0].rgb.shape == (48, 64, 3)


def test_images_are_upright_rgb(tmp_path):
    image = Image.new("L", (20, 10), 80)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (20, 10, 3)
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8nothing")
    for name, words in (("bad.jpg", "not an image"), ("none.jpg", "does not exist")):
        with pytest.raises(InputError, match=words):
            read_image(tmp_path / name)


def test_grids_go_row_by_row():
    pictures = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    sheet = np.asarray(grid(pictures, columns=2, scale=2))
    assert sheet.shape == (8, 8, 3)
    assert [sheet[0, 0, 0], sheet[0, 7, 0], sheet[7, 0, 0], sheet[7, 7, 0]] == [0, 1, 2, 0]


def test_pictures_are_whole_or_not_there(tmp_path):
    with pytest.raises(InputError, match="name ends in"):
        write_image(tmp_path / "grid.txt", Image.new("RGB", (2, 2)))
    with pytest.raises(InputError, match="does not exist"):
        write_image(tmp_path / "none" / "grid.png", Image.new("RGB", (2, 2)))
    write_image(tmp_path / "grid.png", Image.new("RGB", (2, 2)))
    assert [p.name for p in tmp_path.iterdir()] == ["grid.png"]


def test_fitting_never_enlarges():
    assert fit_within((200, 100), 50) == (50, 25)
    assert fit_within((20, 10), 50) == (20, 10)


def test_the_emotion_circle_has_valence_to_the_right_and_arousal_up():
    import numpy as np

    from mien.media.images import emotion_circle

    def middle_of_points(valence, arousal):
        picture = np.asarray(emotion_circle(np.array([[valence, arousal]], np.float32), 240))
        rows, columns = np.nonzero((picture == (216, 27, 96)).all(2))
        return (columns.mean() - 119.5) / 100, (119.5 - rows.mean()) / 100

    for point in ((0.5, 0.0), (0.0, 0.8), (-0.6, -0.4)):
        assert np.allclose(middle_of_points(*point), point, atol=0.02)


def test_quiet_is_shared_by_threads():
    """The last to leave restores what the first one found."""
    before, filters = os.fstat(2), list(warnings.filters)
    first, second = quiet(native=True), quiet(native=True)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert os.fstat(2).st_rdev == Path(os.devnull).stat().st_rdev
    second.__exit__(None, None, None)
    assert os.path.samestat(os.fstat(2), before)
    assert list(warnings.filters) == filters
