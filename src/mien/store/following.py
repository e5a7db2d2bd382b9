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
        tracks = store.tracks()[rows]
        frame = np.asarray(store.column("frame")[rows], np.int64)
        order = np.lexsort((frame, tracks))
        tracks, frame = tracks[order], frame[order]
        if window > 1 and len(order):
            first = np.flatnonzero(np.diff(tracks, prepend=tracks[0] - 1))
            begin = np.repeat(frame[first], np.diff(np.append(first, len(frame))))
            key = np.stack([tracks, (frame - begin) // window], 1)
            cut = np.append(True, (key[1:] != key[:-1]).any(1))
            tracks = np.where(tracks < 0, -1, np.cumsum(cut) - 1)
        time_s = np.asarray(store.column("time_s")[rows][order], np.float64)
        return cls(order, tracks, time_s, window > 1)

    @property
    def ends(self) -> Rows:
        """Places behind which the order may be cut, the end of all among them."""
        if not self.whole:
            return np.arange(1, len(self.order) + 1)
        inside = (self.tracks[1:] == self.tracks[:-1]) & (self.tracks[1:] >= 0)
        return np.append(np.flatnonzero(~inside) + 1, len(self.order))

    def parts(self, size: int) -> Iterator[slice]:
        """Cut into parts of at most `size` faces, or of one window where it has more."""
        ends, start = self.ends, 0
        while start < len(self.order):
            following = np.searchsorted(ends, start, "right")  # the next one, if none fits
            last = np.searchsorted(ends, start + size, "right") - 1
            end = int(ends[max(last, following)])
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

    following: their order, for recognisers that follow people, who are all new to it; None for
    recognisers of single images.
    """
    if following is None:
        plain = np.arange(len(rows))
        following = Following(plain, np.full(len(rows), -1), np.full(len(rows), np.nan))
    fresh, found, done = recogniser.anew(), [], 0
    for part in following.parts(BATCH):
        mine = rows[following.order[part]]
        crops = pixels.gather(mine)
        found.append(fresh.predict(crops, following.tracks[part], following.time_s[part]))
        done += len(mine)
        progress(done, len(rows), note)
    back = np.empty(len(rows), np.intp)
    back[following.order] = np.arange(len(rows))
    return joined(found).at(back)
