"""Which spans of a video stay, and where they go: times of the old video to times of the new."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError


@dataclass(frozen=True)
class Timeline:
    """spans: (start, end) in seconds of the old video that stay, in order; they follow each other.

    The end of a span is not part of it. The last may be open: its end is infinite.
    """

    spans: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Refuse spans that are empty, out of order or overlap."""
        last = 0.0
        for start, end in self.spans:
            if not 0 <= start < end:
                raise InputError(
                    f"span {start:g} to {end:g} s: must begin at 0 or later and not end first"
                )
            if start < last:
                raise InputError(
                    f"span {start:g} to {end:g} s: begins before the one in front ends"
                )
            last = end
        if not self.spans:
            raise InputError("nothing of the video stays")

    @property
    def starts(self) -> tuple[float, ...]:
        """Where each span begins in the new video."""
        lengths = [end - start for start, end in self.spans[:-1]]
        return tuple(float(s) for s in np.concatenate([[0.0], np.cumsum(lengths)]))

    def new(self, old_s: float) -> float | None:
        """Time in the new video; None for what is left out."""
        i = bisect_right([start for start, _ in self.spans], old_s) - 1
        if i < 0 or old_s >= self.spans[i][1]:
            return None
        return self.starts[i] + old_s - self.spans[i][0]

    def old(self, new_s: float) -> float:
        """Time in the old video."""
        i = max(bisect_right(self.starts, new_s) - 1, 0)
        return self.spans[i][0] + new_s - self.starts[i]

    def new_times(self, old_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """`new` of many (N,): NaN for what is left out."""
        found = [self.new(float(t)) if np.isfinite(t) else None for t in old_s]
        return np.array([np.nan if t is None else t for t in found], np.float64)


WHOLE = Timeline(((0.0, float("inf")),))


def without(cuts: Sequence[tuple[float, float]]) -> Timeline:
    """The timeline that leaves spans out; raises InputError where they overlap or leave nothing."""
    kept: list[tuple[float, float]] = []
    at = 0.0
    for start, end in sorted(cuts):
        if not 0 <= start < end:
            raise InputError(
                f"cut {start:g} to {end:g} s: must begin at 0 or later and not end first"
            )
        if start < at:
            raise InputError(f"cut {start:g} to {end:g} s: overlaps the one in front")
        if start > at:
            kept.append((at, start))
        at = end
    if at < float("inf"):
        kept.append((at, float("inf")))
    return Timeline(tuple(kept))
