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
    def of(cls, store: Store, rows: Rows, window: int | None) -> "Following":
        """Order the faces at `rows`.

        window: frames that are seen together: a track is cut into windows of the store's grid of
        frames, from its first face; 1: as many as come. None for a recogniser that follows nobody:
        the faces as they are, each somebody of its own.
        """
        if window is None:
            alone = np.full(len(rows), -1, np.intp)
            return cls(np.arange(len(rows)), alone, np.full(len(rows), np.nan))
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
    recogniser: Recogniser, store: Store, rows: Rows, progress: Progress = silent, note: str = ""
) -> Predictions:
    """Predict for the faces at `rows` of a store, at least one, in their own order."""
    window = recogniser.preprocessing.window if recogniser.follows else None
    following = Following.of(store, rows, window)
    pixels = store.pixels(recogniser.preprocessing.size)
    landmarks = store.landmarks_in_crops(rows)
    return predict_in_order(recogniser, pixels, rows, following, landmarks, progress, note)


def predict_in_order(
    recogniser: Recogniser,
    pixels: Pixels,
    rows: Rows,
    following: Following,
    landmarks: NDArray[np.float32],
    progress: Progress = silent,
    note: str = "",
) -> Predictions:
    """Predict for the faces at `rows`, at least one, in their own order: all new to the recogniser.

    following: the order in which it is given them. landmarks: (N, 5, 2) in the crops.
    """
    fresh, found, done = recogniser.anew(), [], 0
    for part in following.parts(BATCH):
        chosen = following.order[part]
        crops, points = pixels.gather(rows[chosen]), landmarks[chosen]
        who, when = following.tracks[part], following.time_s[part]
        found.append(fresh.predict(crops, who, when, landmarks=points))
        done += len(chosen)
        progress(done, len(rows), note)
    back = np.empty(len(rows), np.intp)
    back[following.order] = np.arange(len(rows))
    return joined(found).at(back)
