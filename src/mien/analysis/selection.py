"""Which frames of a video are looked at."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import floor
from pathlib import Path

from mien.media.decode import Frame

_ROUNDING_S = 0.00051
"""Times kept in milliseconds are off by half of one."""


@dataclass(frozen=True)
class Selection:
    """Frames from `start_s` on, before `end_s`, one every `every_s`; None: no such limit.

    Seconds from the file's first frame. every_s: the first frame at or after each multiple of it.
    Frames keep the numbers and times that they have in the file.
    """

    start_s: float | None = None
    end_s: float | None = None
    every_s: float | None = None

    def of(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield those of a video; decoding ends with the last."""
        due = float("-inf")
        for frame in frames:
            if self.end_s is not None and frame.time_s >= self.end_s - _ROUNDING_S:
                return
            if self._starts(frame.time_s) and frame.time_s >= due - _ROUNDING_S:
                due = self._after(frame.time_s)
                yield frame

    def of_numbered(
        self, pictures: Iterable[tuple[int, Path]], rate: float
    ) -> Iterator[tuple[int, Path]]:
        """Yield those of a sequence of pictures of `rate` a second, numbered from 0."""
        due = float("-inf")
        for number, path in pictures:
            time_s = number / rate
            if self.end_s is not None and time_s >= self.end_s - _ROUNDING_S:
                return
            if self._starts(time_s) and time_s >= due - _ROUNDING_S:
                due = self._after(time_s)
                yield number, path

    def _starts(self, time_s: float) -> bool:
        return self.start_s is None or time_s >= self.start_s - _ROUNDING_S

    def _after(self, time_s: float) -> float:
        if self.every_s is None:
            return float("-inf")
        return (floor((time_s + _ROUNDING_S) / self.every_s) + 1) * self.every_s


ALL = Selection()
