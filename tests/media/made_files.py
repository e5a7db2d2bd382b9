"""Video files with one thing wrong each, made with PyAV."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame

RATE = 25


def pictures(count: int, size: tuple[int, int] = (64, 48), noise: int = 0) -> list[np.ndarray]:
    """Make frames whose brightness is their number, bright at the top left corner."""
    source, frames = np.random.default_rng(0), []
    for i in range(count):
        grain = source.integers(0, noise + 1, (size[1], size[0], 3))
        frame = np.minimum(10 + 4 * i + grain, 255).astype(np.uint8)
        frame[: size[1] // 4, : size[0] // 4] = 250
        frames.append(frame)
    return frames


def write(
    path: Path,
    count: int = 24,
    *,
    codec: str = "libx264",
    size: tuple[int, int] = (64, 48),
    container: str | None = None,
    options: dict[str, str] | None = None,
    change: Callable[[int, Any], bool | None] | None = None,
    mux_options: dict[str, str] | None = None,
    sound_s: float = 0.0,
    aspect: Fraction | None = None,
    noise: int = 0,
) -> Path:
    """Encode `count` frames at 25 per second.

    change: called with the number of each packet, in decoding order, and the packet, before it is
    written; False leaves it out. sound_s: seconds of silence beside the frames.
    """
    own = {"preset": "veryfast", "g": "12", "bf": "2"} if codec == "libx264" else {}
    with av.open(str(path), "w", format=container, options=mux_options or {}) as output:
        stream: Any = output.add_stream(codec, rate=RATE, options={**own, **(options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        sound = add_silence(output) if sound_s else None
        packets = []
        for i, picture in enumerate(pictures(count, size, noise)):
            frame = VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, RATE)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        output.start_encoding()
        for i, packet in enumerate(packets):
            if change is None or change(i, packet) is not False:
                output.mux(packet)
        if sound is not None:
            mux_silence(output, sound, sound_s)
    return path


def add_silence(output: Any) -> Any:
    return output.add_stream("aac", rate=44100, layout="mono")


def mux_silence(output: Any, stream: Any, seconds: float) -> None:
    for i in range(int(seconds * 44100 / 1024)):
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate, sound.time_base, sound.pts = 44100, Fraction(1, 44100), i * 1024
        output.mux(stream.encode(sound))
    output.mux(stream.encode(None))


def shift(seconds: float) -> Callable[[int, Any], None]:
    """Return a change that moves every packet by that time."""

    def change(_: int, packet: Any) -> None:
        ticks = round(seconds / packet.time_base)
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks

    return change


def set_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Write a display matrix into the track header of an MP4 file."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    for place, value in ((0, a), (1, b), (3, c), (4, d)):
        data[start + 4 * place : start + 4 * place + 4] = (value * 65536).to_bytes(4, signed=True)
    path.write_bytes(data)
