"""Films whose frames carry their number, drawn so that it is read back from a screenshot."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

BLOCKS = 16
"""Bits of the strip, the highest first: white is 1."""


def numbered(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw a frame: a strip of BLOCKS blocks at the top, moving stripes below."""
    width, height = size
    across = 60 + 40 * np.sin((np.arange(width) + 3 * number) / 9)
    down = 40 * np.cos((np.arange(height) + 2 * number) / 7)
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = (across[None, :, None] + down[:, None, None]).clip(0, 255)
    bits = [number >> (BLOCKS - 1 - i) & 1 for i in range(BLOCKS)]
    edges = np.linspace(0, width, BLOCKS + 1).round().astype(int)
    for bit, left, right in zip(bits, edges[:-1], edges[1:], strict=True):
        frame[: height // 4, left:right] = 235 * bit + 10
    return frame


def read_number(picture: NDArray[np.uint8]) -> int:
    """Read a number back from the strip; raises ValueError where a block is neither."""
    height, width = picture.shape[:2]
    row = picture[height // 8 - 1 : height // 8 + 2].mean(axis=(0, 2))
    number = 0
    for i in range(BLOCKS):
        middle = row[round((i + 0.35) * width / BLOCKS) : round((i + 0.65) * width / BLOCKS)].mean()
        if 80 < middle < 170:
            raise ValueError(f"block {i} is neither black nor white: {middle}")
        number = number << 1 | int(middle > 128)
    return number


def write_numbered(
    path: Path,
    ticks: list[int],
    time_base: Fraction = Fraction(1, 600),
    *,
    size: tuple[int, int] = (160, 90),
    group: int = 250,
    b_frames: int = 0,
    codec: str = "libx264",
    sound_s: float = 0.0,
) -> Path:
    """Film frames 0, 1, 2, ... shown at these ticks. sound_s: seconds of a tone beside them."""
    options = {"g": str(group), "bf": str(b_frames), "preset": "ultrafast", "crf": "24"}
    if b_frames:
        options |= {"preset": "superfast", "x264-params": f"b-adapt=0:bframes={b_frames}"}
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=30, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = time_base
        track = output.add_stream("aac", rate=48000, layout="mono") if sound_s else None
        for number, tick in enumerate(ticks):
            frame = VideoFrame.from_ndarray(numbered(number, size), format="rgb24")
            frame.pts, frame.time_base = tick, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if track is not None:
            _add_tone(output, track, sound_s)
    return path


def _add_tone(output: Any, track: Any, seconds: float) -> None:
    for first in range(0, int(48000 * seconds), 1024):
        wave = 0.1 * np.sin(2 * np.pi * 440 / 48000 * np.arange(first, first + 1024))
        piece = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", "mono")
        piece.sample_rate, piece.time_base, piece.pts = 48000, Fraction(1, 48000), first
        output.mux(track.encode(piece))
    output.mux(track.encode(None))


def uneven_ticks(count: int, seed: int = 0) -> list[int]:
    """Ticks of 1/600 s apart by 5 to 60: 120 down to 10 frames a second, mixed."""
    steps = np.random.default_rng(seed).choice([5, 10, 20, 25, 60], count)
    return [0, *np.cumsum(steps)[:-1].tolist()]
