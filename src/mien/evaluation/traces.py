"""Predictions over time: the faces of each track in order, whatever frames it lacks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.store import Store

Doubles = NDArray[np.float64]
MOST_WINDOW, MOST_SHIFT = 75, 120
"""Frames of the longest median filter and the largest time shift."""


@dataclass(frozen=True)
class Traces:
    """Where each of N faces lies on one long tape of frames, track behind track.

    place: (N,) on the tape, -1 for photographs. first, last: (N,) ends of its track. Between two
    tracks lies more room than a filter or a shift reaches.
    """

    place: NDArray[np.intp]
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    length: int

    @classmethod
    def of(cls, store: Store, rows: NDArray[np.intp]) -> "Traces":
        """Lay out the faces at `rows` of a store."""
        video, track = store.codes("video").codes[rows], store.column("track")[rows]
        frame = store.column("frame")[rows].astype(np.int64)
        return cls.laid_out(video, track, frame)

    @classmethod
    def laid_out(
        cls, video: NDArray[np.int32], track: NDArray[np.int32], frame: NDArray[np.int64]
    ) -> "Traces":
        """Lay out faces by video (negative: a photograph), track and frame."""
        place, first, last = (np.full(len(video), -1, np.intp) for _ in range(3))
        moving = np.flatnonzero((video >= 0) & (frame >= 0))
        if len(moving) == 0:
            return cls(place, first, last, 0)
        keys = np.stack([video[moving], track[moving]], axis=1)
        _, group = np.unique(keys, axis=0, return_inverse=True)
        group = group.reshape(-1)
        low = np.full(group.max() + 1, np.iinfo(np.int64).max)
        high = np.full(group.max() + 1, -1)
        np.minimum.at(low, group, frame[moving])
        np.maximum.at(high, group, frame[moving])
        begins = np.cumsum(np.append(MOST_WINDOW, (high - low + 1 + MOST_WINDOW)[:-1]))
        place[moving] = begins[group] + frame[moving] - low[group]
        first[moving], last[moving] = begins[group], (begins + high - low)[group]
        return cls(place, first, last, int(last.max()) + MOST_WINDOW + 1)

    def median(self, values: Doubles, frames: int) -> Doubles:
        """Median over the `frames` (odd) around each face, of those that the track has."""
        found = values.copy()
        moving = self.place >= 0
        if frames < 2 or not moving.any():
            return found
        windows = np.lib.stride_tricks.sliding_window_view(self._tape(values), frames)
        around = np.sort(windows[self.place[moving] - frames // 2], axis=1)  # NaN come last
        known = np.maximum((~np.isnan(around)).sum(1), 1)
        each = np.arange(len(around))
        smooth = (around[each, (known - 1) // 2] + around[each, known // 2]) / 2
        found[moving] = np.where(np.isnan(values[moving]), np.nan, smooth)
        return found

    def shifted(self, values: Doubles, frames: int) -> Doubles:
        """What was said `frames` before (after, where negative); at an end, the end's own."""
        found = values.copy()
        moving = self.place >= 0
        if frames == 0 or not moving.any():
            return found
        tape = self._tape(values)
        known = np.where(np.isnan(tape), -1, np.arange(self.length))
        before = np.maximum.accumulate(known)  # the last place that says something
        wanted = np.clip(self.place - frames, self.first, self.last)[moving]
        source = before[wanted]
        inside = source >= self.first[moving]
        found[moving] = np.where(inside, tape[np.maximum(source, 0)], values[moving])
        return found

    def _tape(self, values: Doubles) -> Doubles:
        tape = np.full(self.length, np.nan)
        moving = self.place >= 0
        tape[self.place[moving]] = values[moving]
        return tape
