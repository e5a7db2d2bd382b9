"""What video files hold, without decoding them: rates, sizes, sound.

benroumpi-2018 (section 3.3) reads every video's frame rate with ffprobe before standardising them;
its Figures 3.2 and 3.9 and Tables 3.1 and 3.2 are `histogram` and `by_rate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.media import streams
from mien.media.decode import probe
from mien.media.display import matrix_of
from mien.media.names import reason

STEADY = 0.05
"""A video is constant-rate where all but one in a hundred gaps are this near to the usual one, as a
share of it, or within the rounding of the file's clock."""
_ROUNDING_S = 0.0011
NEAR = 0.1
"""Rates this near to another count as it: 29.97 is near 30 (benroumpi-2018: 'near or exactly')."""


@dataclass(frozen=True)
class Probe:
    """A video by its header and the stamps of its packets.

    fps: frames by their duration; None where one frame is all. constant: whether gaps are even;
    None where the file holds no times. shortest_s, longest_s: gaps between frames. rotation:
    degrees that the picture is turned by when shown. audio: codec and rate, None without sound.
    """

    path: str
    frames: int
    duration_s: float | None
    fps: float | None
    stated_fps: float | None
    constant: bool | None
    shortest_s: float | None
    longest_s: float | None
    width: int
    height: int
    rotation: int
    codec: str
    container: str
    audio: str | None


def probe_video(path: Path) -> Probe:
    """Read one file; raises InputError where it is no video that can be read."""
    info = probe(path)
    if info.frame_rate is None and info.duration_s is None and info.start_s is not None:
        return Probe(
            str(path), info.declared_frames, None, None, None, None, None, None, info.width,
            info.height, 0, "animation", path.suffix.lstrip(".").lower(), None,
        )  # fmt: skip
    with streams.opened(path) as container:
        stream = streams.choose_stream(container, path, None)
        audio = container.streams.audio[0] if container.streams.audio else None
        times, frames = _times(path, container, stream)
        timing = _of_rate(frames, info.frame_rate) if times is None else _of_times(times)
        return Probe(
            str(path),
            frames,
            timing.duration_s,
            timing.fps,
            info.frame_rate,
            timing.constant,
            timing.shortest_s,
            timing.longest_s,
            info.width,
            info.height,
            _rotation(path),
            stream.codec_context.name,
            container.format.name.split(",")[0],
            f"{audio.codec_context.name} {audio.rate} Hz" if audio else None,
        )


class _Timing(NamedTuple):
    duration_s: float | None
    fps: float | None
    constant: bool | None = None
    shortest_s: float | None = None
    longest_s: float | None = None


def _of_rate(frames: int, rate: float | None) -> _Timing:
    return _Timing(frames / rate if rate else None, rate)


def _of_times(times: NDArray[np.float64]) -> _Timing:
    gaps = np.diff(times)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return _Timing(0.0, None)
    duration = float(times[-1] - times[0] + np.median(gaps))
    return _Timing(
        duration, len(times) / duration, _is_constant(gaps), float(gaps.min()), float(gaps.max())
    )


def _times(path: Path, container: Any, stream: Any) -> tuple[NDArray[np.float64] | None, int]:
    """Presentation times of all packets, sorted, and how many there are."""
    stamps: list[int] = []
    frames = 0
    try:
        for packet in container.demux(stream):
            if packet.size:
                frames += 1
                stamp = packet.pts if packet.pts is not None else packet.dts
                stamps += [] if stamp is None else [stamp]
    except Exception as error:
        if not frames:
            raise InputError(f"{path}: cannot be read ({reason(error)})") from error
    if streams.untimed(container) or len(set(stamps)) < max(2, frames // 2):
        return None, frames
    base = float(stream.time_base)
    return np.sort(np.asarray(stamps, np.float64)) * base, frames


def _is_constant(gaps: NDArray[np.float64]) -> bool:
    usual = float(np.median(gaps))
    off = np.abs(gaps - usual) > max(STEADY * usual, _ROUNDING_S)
    return bool(off.mean() <= 0.01)


def _rotation(path: Path) -> int:
    with streams.opened(path) as container:
        stream = streams.choose_stream(container, path, None)
        frame = next(container.decode(stream), None)
    matrix = matrix_of(frame) if frame is not None else None
    if matrix is None:
        return 0
    a, b, _, _ = matrix
    return round(float(np.degrees(np.arctan2(b, a))) / 90) * 90 % 360


def histogram(probes: Sequence[Probe]) -> dict[int, int]:
    """Videos by frame rate, rounded to whole frames a second (Figures 3.2 and 3.9)."""
    counts: dict[int, int] = {}
    for rate in sorted(round(p.fps) for p in probes if p.fps is not None):
        counts[rate] = counts.get(rate, 0) + 1
    return counts


def by_rate(probes: Sequence[Probe], fps: float = 30.0) -> dict[str, dict[str, float]]:
    """Number and seconds of videos near a rate and of the others (Tables 3.1 and 3.2)."""
    found = {f"{fps:g} fps": {"videos": 0, "seconds": 0.0}, "other": {"videos": 0, "seconds": 0.0}}
    for p in probes:
        near = p.fps is not None and abs(p.fps - fps) <= NEAR
        part = found[f"{fps:g} fps" if near else "other"]
        part["videos"] += 1
        part["seconds"] += p.duration_s or 0.0
    return found
