"""A new video of parts of an old one, at a rate of its own if wanted; where each frame came from.

Decoded and encoded again (H.264, MP4, sound as AAC), because cuts fall between key frames.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import replacing
from mien.errors import InputError
from mien.media.decode import Frame, decode, probe
from mien.media.encode import VideoWriter
from mien.media.report import DecodeReport
from mien.media.resample import resample, uneven
from mien.media.sound import Sound
from mien.media.timeline import WHOLE, Timeline
from mien.progress import Progress, silent

QUALITY = 16
"""x264's crf: no difference that one would see."""
HALVES = {"left": (0.0, 0.5), "right": (0.5, 1.0)}
TIMES = ("frame", "time_s", "source_frame", "source_time_s")


@dataclass(frozen=True)
class TimeMap:
    """Frames of a new video, from 0: their times, and the frames of the old one they show."""

    time_s: NDArray[np.float64]
    source_frame: NDArray[np.int64]
    source_time_s: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write a CSV with the columns `TIMES`."""
        rows = zip(self.time_s, self.source_frame, self.source_time_s, strict=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(TIMES)
            for i, (time_s, frame, source_s) in enumerate(rows):
                writer.writerow([i, f"{time_s:.6f}", int(frame), f"{source_s:.6f}"])


@dataclass
class Recut:
    """What came of it. dropped: frames of the old video that the new one does not show."""

    path: Path
    times: TimeMap
    dropped: int = 0
    notes: list[str] = field(default_factory=list)


def recut(
    source: Path,
    out: Path,
    *,
    timeline: Timeline = WHOLE,
    fps: float | None = None,
    half: str | None = None,
    progress: Progress = silent,
) -> Recut:
    """Write the spans of `timeline` to `out`, and `out` with .times.csv: the exact time map.

    fps: an even grid from the start of the new video; the source's own times otherwise. half: keep
    the left or the right of the picture alone. Both files are whole or not there. Raises InputError
    where the source cannot be read or nothing of it stays.
    """
    info = probe(source)
    report = DecodeReport()
    found: list[tuple[float, int, float]] = []
    with replacing(out) as video, replacing(times_beside(out)) as table:
        sound = _CutSound(source, timeline, info.start_s or 0.0)
        rate = fps or info.frame_rate or 25.0
        with VideoWriter(video, rate, QUALITY, sound=sound) as writer:
            placed = _kept(decode(source, report), timeline)
            frames = _on_grid(placed, fps) if fps else ((p.time_s, p.frame) for p in placed)
            for time_s, frame in frames:
                writer.write(_part(frame.rgb, half), time_s)
                found.append((time_s, frame.index, frame.time_s))
                progress(frame.time_s, info.duration_s, out.name)
        if not found:
            raise InputError(f"{source}: nothing of it lies in the spans that stay")
        times = TimeMap(
            np.array([t for t, _, _ in found]),
            np.array([i for _, i, _ in found], np.int64),
            np.array([s for _, _, s in found]),
        )
        times.write(table)
    shown = len(set(times.source_frame.tolist()))
    notes = [] if fps is None else uneven(report.decoded, shown, len(found), fps)
    notes += report.damage
    notes += [sound.trouble] if sound.trouble else []
    return Recut(out, times, report.decoded - shown, notes)


def read_times(path: Path) -> TimeMap:
    """Read what `TimeMap.write` wrote; raises InputError where the file is another."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return TimeMap(
            np.array([float(row["time_s"]) for row in rows]),
            np.array([int(row["source_frame"]) for row in rows], np.int64),
            np.array([float(row["source_time_s"]) for row in rows]),
        )
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: is no time map ({error}); delete it") from error


def times_beside(video: Path) -> Path:
    """Where a new video's time map is."""
    return video.with_name(f"{video.stem}.times.csv")


@dataclass(frozen=True)
class _Placed:
    """A frame of the old video at its time in the new one."""

    frame: Frame
    time_s: float
    until_s: float
    stated_end_s: float | None = None


def _kept(frames: Iterator[Frame], timeline: Timeline) -> Iterator[_Placed]:
    """Yield the frames that stay; one on screen when a span begins is shown from there on."""
    held: Frame | None = None
    for frame in frames:
        if held is not None:
            yield from _shown(held, frame.time_s, timeline)
        held = frame
    if held is not None:
        yield from _shown(held, held.until_s, timeline)


def _shown(frame: Frame, until_s: float, timeline: Timeline) -> Iterator[_Placed]:
    for (start, end), at in zip(timeline.spans, timeline.starts, strict=True):
        if frame.time_s < end and until_s > start:
            begin = at + max(frame.time_s - start, 0.0)
            yield _Placed(frame, begin, at + min(until_s, end) - start)


def _on_grid(frames: Iterator[_Placed], fps: float) -> Iterator[tuple[float, Frame]]:
    for k, placed in resample(frames, fps):
        yield k / fps, placed.frame


def _part(rgb: NDArray[np.uint8], half: str | None) -> NDArray[np.uint8]:
    if half is None:
        return rgb
    start, end = HALVES[half]
    width = rgb.shape[1]
    return rgb[:, round(start * width) : round(end * width)]


class _CutSound(Sound):
    """Sound whose frames are moved along with the picture, or left out with it."""

    def __init__(self, path: Path, timeline: Timeline, start_s: float) -> None:
        self._timeline = timeline
        super().__init__(path, start_s)

    def until(self, time_s: float) -> Iterator[Any]:
        """Yield the audio frames that begin before `time_s` of the new video."""
        while self._next is not None:
            frame = self._next
            old = self._begin(frame)
            new = self._timeline.new(old + 0.5 * frame.samples / frame.sample_rate)
            if new is None:
                if old > self._timeline.spans[-1][1]:
                    return
                self._advance()
                continue
            begin = round((new - 0.5 * frame.samples / frame.sample_rate) * frame.sample_rate)
            if begin / frame.sample_rate >= time_s:
                return
            self._advance()
            begin = max(begin, self._end)
            self._end = begin + frame.samples
            frame.pts, frame.time_base = begin, Fraction(1, frame.sample_rate)
            yield frame
