"""Which faces a step sees: pure functions of (seed, step, rank).

A sampler's `positions(step)` are places in the list of training faces of one source; -1 in windows
is a frame without a face. Each process of several takes its own share of the same whole batch.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

Positions = NDArray[np.intp]


class Sampler(Protocol):
    """Chooses the faces of a step."""

    def positions(self, step: int) -> Positions:
        """Places of the faces of step number `step`, (N,)."""


class Shuffled:
    """Every face once an epoch, each epoch in an order of its own."""

    def __init__(
        self, faces: int, size: int, seed: int, source: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        """size: of this process's share of a batch. source: number of the source in its recipe."""
        self.faces, self.size, self.rank, self.world = faces, size, rank, world
        self._seed = (seed,) if source == 0 else (seed, source)
        self._epoch, self._order = -1, np.empty(0, np.intp)

    def positions(self, step: int) -> Positions:
        """Places of the step's faces."""
        return self._stretch((step * self.world + self.rank) * self.size, self.size)

    def _stretch(self, first: int, size: int) -> Positions:
        chosen = np.empty(size, np.intp)
        filled = 0
        while filled < size:
            epoch, offset = divmod(first + filled, self.faces)
            if epoch != self._epoch:
                self._order = np.random.default_rng((*self._seed, epoch)).permutation(self.faces)
                self._epoch = epoch
            part = self._order[offset : offset + size - filled]
            chosen[filled : filled + len(part)] = part
            filled += len(part)
        return chosen


class Balanced:
    """Every class alike, each face of a class alike; unlabelled faces are left out."""

    def __init__(
        self,
        classes: NDArray[np.intp],
        size: int,
        seed: int,
        source: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """classes: (N,) class of each face, -1 where unlabelled; InputError where all are."""
        self.size, self._seed, self._share = size, (seed, source, 0xBA), (rank, world)
        known = [c for c in np.unique(classes) if c >= 0]
        if not known:
            raise InputError("sampling=balanced: no training face has a class to balance by")
        self._members = [np.flatnonzero(classes == c) for c in known]

    def positions(self, step: int) -> Positions:
        """Places of the step's faces."""
        rank, world = self._share
        draw = np.random.default_rng((*self._seed, step))
        which = draw.integers(len(self._members), size=self.size * world)
        place = draw.random(self.size * world)
        chosen = [self._members[c][int(p * len(self._members[c]))]
                  for c, p in zip(which, place, strict=True)]  # fmt: skip
        return np.array(chosen, np.intp)[rank * self.size : (rank + 1) * self.size]


class Windowed:
    """Contiguous frames of one track: `size` faces of a batch are size / length windows."""

    def __init__(
        self,
        windows: NDArray[np.intp],
        size: int,
        seed: int,
        source: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """windows: (W, length) places of faces, -1 for frames without one.

        Raises InputError where there is none, or a batch is no whole number of windows.
        """
        if len(windows) == 0:
            raise InputError("sampling=windowed: no training face belongs to a track of a video")
        length = windows.shape[1]
        if size % length:
            raise InputError(f"sampling=windowed: batch_size {size} is no multiple of {length}")
        self._windows = windows
        self._order = Shuffled(len(windows), size // length, seed, source, rank, world)

    def positions(self, step: int) -> Positions:
        """Places of the step's faces, window after window."""
        return self._windows[self._order.positions(step)].reshape(-1)


def shares(size: int, weights: list[float]) -> list[int]:
    """How many of `size` faces each source gives: near its weight, at least one, together all.

    Raises InputError where a batch has fewer faces than there are sources.
    """
    if size < len(weights):
        raise InputError(f"batch_size {size} is smaller than the number of data.sources")
    wanted = np.array(weights) / sum(weights) * size
    counts = np.maximum(np.floor(wanted).astype(int), 1)
    while counts.sum() < size:
        counts[int((wanted - counts).argmax())] += 1
    while counts.sum() > size:
        counts[int(np.where(counts > 1, wanted - counts, np.inf).argmin())] -= 1
    return [int(c) for c in counts]
