"""What a recogniser remembers of the tracks that it follows, whatever runs it."""

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.kinds import Floats

REMEMBERED = 4096
"""Tracks that are remembered; of more, those that were not seen for longest are forgotten."""

Tracks = NDArray[np.intp]
Times = NDArray[np.float64]


def people_of(count: int, tracks: Tracks | None) -> Tracks:
    """Number `count` faces by track; somebody who is seen once has a negative number of its own."""
    alone = -1 - np.arange(count)
    return alone if tracks is None else np.where(np.asarray(tracks) < 0, alone, tracks)


def times_of(count: int, time_s: Times | None) -> Times:
    """Presentation times (count,); NaN where unknown."""
    return np.full(count, np.nan) if time_s is None else np.asarray(time_s, np.float64)


class TrackMemory:
    """A state of `size` numbers per track, and when its face was seen last."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._seen: dict[int, tuple[Floats, float]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def before(self, people: Tracks) -> Floats:
        """States (N, size) of people; zeros of those who were never seen."""
        never = np.zeros(self.size, np.float32)
        known = [self._seen[p][0] if p in self._seen else never for p in people.tolist()]
        return np.stack(known) if known else np.empty((0, self.size), np.float32)

    def keep(self, people: Tracks, states: Floats, times: Times) -> None:
        """Remember states (N, size) of people at their times; nobody who is seen once."""
        for person, state, time in zip(people.tolist(), states, times.tolist(), strict=True):
            if person >= 0:
                self._seen.pop(person, None)  # to the end of the order
                self._seen[person] = (state.copy(), time)
        for person in list(self._seen)[: max(0, len(self._seen) - REMEMBERED)]:
            del self._seen[person]

    def check_order(self, people: Tracks, times: Times) -> None:
        """Raise InputError where a track's time goes backwards. people: those of one together."""
        first = np.flatnonzero(np.diff(people, prepend=people[:1] - 1))
        since = np.array([self._seen.get(p, (None, np.nan))[1] for p in people[first].tolist()])
        back = (people[1:] == people[:-1]) & (np.diff(times) < 0)
        wrong = np.concatenate([people[1:][back], people[first][times[first] < since]])
        if len(wrong):
            raise InputError(f"the faces of track {wrong[0]} are not in order of time")
