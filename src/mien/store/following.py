"""A store's faces as a recogniser that follows people is given them: track after track, in time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.labels.arrays import Predictions, joined
from mien.progress import Progress, silent
from mien.recognition.protocol import Recogniser
from mien.store.shards import Pixels
from mien.store.store import Store

Rows = NDArray[np.intp]

BATCH = 256


@dataclass(frozen=True)
class Following:
    """The order of N faces.

    order: (N,) places among the faces, those of a track together and in time. tracks: (N,) of the
    faces in that order; -1 of photographs, each somebody of its own. time_s: (N,), likewise. whole:
    whether a track may not be cut between two calls of the recogniser.
    """

    order: Rows
    tracks: Rows
    time_s: NDArray[np.float64]
    whole: bool = False

    @classmethod
    def of(cls, store: Store, rows: Rows, window: int = 1) -> "Following":
        """Order the faces at `rows`. window: frames that are seen together; 1: as many as come.

        A track is then cut into windows of the store's grid of frames, from its first face.
        """
        tracks, frame = store.tracks()[rows], store.column("frame")[rows].astype(np.int64)
        order = np.lexsort((frame, tracks))
        tracks, frame = tracks[order], frame[order]
        if window > 1 and len(order):
            first = np.flatnonzero(np.diff(tracks, prepend=tracks[0] - 1))
            begin = np.repeat(frame[first], np.diff(np.append(first, len(frame))))
            key = np.stack([tracks, (frame - begin) // window], 1)
            cut = np.append(True, (key[1:] != key[:-1]).any(1))
            tracks = np.where(tracks < 0, -1, np.cumsum(cut) - 1)
        time_s = store.column("time_s")[rows][order].astype(np.float64)
        return cls(order, tracks, time_s, window > 1)

    def parts(self, size: int) -> Iterator[slice]:
        """Cut into parts of about `size` faces, between tracks where they are whole."""
        ends = np.arange(1, len(self.order) + 1)
        if self.whole:
            inside = (self.tracks[1:] == self.tracks[:-1]) & (self.tracks[1:] >= 0)
            ends = np.append(np.flatnonzero(~inside) + 1, len(self.order))
        start = 0
        while start < len(self.order):
            end = int(ends[max(np.searchsorted(ends, start + size, "right") - 1, 0)])
            if end <= start:
                end = int(ends[np.searchsorted(ends, start, "right")])
            yield slice(start, end)
            start = end


def predict_faces(
    recogniser: Recogniser,
    pixels: Pixels,
    rows: Rows,
    following: Following | None = None,
    progress: Progress = silent,
    note: str = "",
) -> Predictions:
    """Predict for the faces at `rows` of a store, at least one, in their own order.

    following: for recognisers that follow people; they begin anew here.
    """
    if following is None:
        slices = (slice(i, i + BATCH) for i in range(0, len(rows), BATCH))
        following = Following(np.arange(len(rows)), np.empty(0, np.intp), np.empty(0))
    else:
        slices = following.parts(BATCH)
    fresh, found, done = recogniser.anew(), [], 0
    for part in slices:
        mine = rows[following.order[part]]
        given = (following.tracks[part], following.time_s[part]) if recogniser.follows else ()
        found.append(fresh.predict(pixels.gather(mine), *given))
        done += len(mine)
        progress(done, len(rows), note)
    back = np.empty(len(rows), np.intp)
    back[following.order] = np.arange(len(rows))
    return joined(found).at(back)
