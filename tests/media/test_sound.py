"""The sound of a video goes along into another, from where the picture begins."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.media.encode import VideoWriter
from mien.media.sound import Sound


def beeping(path: Path, seconds: int = 2, beep_s: float = 1.0) -> Path:
    """Write a video whose sound is silent but for a tone from `beep_s` on."""
    rate = 44_100
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        heard = out.add_stream("aac", rate=rate)
        heard.layout = "mono"
        for i in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(picture.encode(frame))
        at = np.arange(rate * seconds)
        tone = np.where(at >= beep_s * rate, np.sin(at * 2 * np.pi * 440 / rate), 0)
        for first in range(0, len(at) // 1024 * 1024, 1024):
            block = tone[None, first : first + 1024].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
            out.mux(heard.encode(frame))
        out.mux(picture.encode(None))
        out.mux(heard.encode(None))
    return path


def onset(path: Path) -> float:
    """When the sound begins to be heard, in seconds."""
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()).max(0) > 0.3)
            if len(loud):
                return float(frame.time) + loud[0] / frame.sample_rate
    raise AssertionError("nothing is heard")


@pytest.mark.parametrize(
    ("suffix", "codecs"), [(".mp4", ("h264", "aac")), (".webm", ("vp9", "opus"))]
)
@pytest.mark.parametrize("start_s", [0.0, 0.4])
def test_sound_is_where_the_picture_is(suffix, codecs, start_s, tmp_path):
    source, out = beeping(tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    with VideoWriter(out, 25, sound=Sound(source, start_s)) as video:
        for i in range(40):
            video.write(np.zeros((48, 64, 3), np.uint8), i / 25)
    with av.open(str(out)) as file:
        picture, heard = file.streams.video[0], file.streams.audio[0]
        assert heard.codec_context.codec.canonical_name == codecs[1]
        assert picture.codec_context.codec.canonical_name == codecs[0]
        assert sum(1 for _ in file.decode(video=0)) == 40
    assert onset(out) == pytest.approx(1.0 - start_s, abs=0.04)


def test_no_sound_is_no_error(tmp_path):
    with VideoWriter(tmp_path / "silent.mp4", 25) as video:
        video.write(np.zeros((48, 64, 3), np.uint8), 0)
    for source in (tmp_path / "silent.mp4", tmp_path / "none.mp4"):
        out = tmp_path / "out.mp4"
        with VideoWriter(out, 25, sound=Sound(source)) as video:
            video.write(np.zeros((48, 64, 3), np.uint8), 0)
        with av.open(str(out)) as file:
            assert not file.streams.audio
