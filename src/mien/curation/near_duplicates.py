"""Faces that are nearly the same picture, by PDQ hashes: one frame a second of every track.

256 bits a picture; two within `NEAR` of each other are near-duplicates. Since fewer bits differ
than there are 16-bit pieces, two such hashes share a piece: only those that do are compared.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.progress import Progress, silent
from mien.store import Store

Rows = NDArray[np.intp]

NEAR = 15
"""Bits of 256 that may differ. Other pictures of one person differ in about 100."""
PLAIN = 50
"""Pictures of a lower PDQ quality (nearly even ones) are left out: their hashes say little."""
CROWD = 2000
"""A piece that more pictures share than this is passed over: it tells nothing apart."""
_BATCH = 512


def sampled(store: Store) -> Rows:
    """Rows to look at: photographs, and the first face of a track in every second.

    Faces that a review left out are not looked at.
    """
    counted = np.zeros(len(store), bool)
    counted[store.rows(None)] = True
    video, track = store.codes("video").codes, store.column("track")
    second = np.floor(np.nan_to_num(store.column("time_s"), nan=-1.0)).astype(np.int64)
    photographs = np.flatnonzero((video < 0) & counted)
    filmed = np.flatnonzero((video >= 0) & counted)
    key = np.stack([video[filmed], track[filmed], second[filmed]], axis=1)
    _, first = np.unique(key, axis=0, return_index=True)
    return np.sort(np.concatenate([photographs, filmed[first]]))


def hashes(
    store: Store, rows: Rows, progress: Progress = silent
) -> tuple[NDArray[np.uint16], Rows]:
    """PDQ hashes (M, 16) of the crops at `rows`, and the rows they are of, without plain ones."""
    import pdqhash

    pixels = store.pixels()
    found, kept = [], []
    for start in range(0, len(rows), _BATCH):
        progress(start, len(rows), "hashes")
        batch = rows[start : start + _BATCH]
        for row, crop in zip(batch, pixels.gather(batch), strict=True):
            bits, quality = pdqhash.compute(crop)
            if quality >= PLAIN:
                found.append(np.packbits(bits.astype(bool)).view(np.uint16))
                kept.append(row)
    empty = np.empty((0, 16), np.uint16)
    return np.stack(found) if found else empty, np.asarray(kept, np.intp)


def near_pairs(codes: NDArray[np.uint16]) -> NDArray[np.intp]:
    """Pairs (P, 2), i < j, of hashes at most `NEAR` bits apart."""
    wide = codes.view(np.uint64) if len(codes) else np.empty((0, 4), np.uint64)
    found = [np.empty((0, 2), np.intp)]
    for piece in range(codes.shape[1]):
        for bucket in _buckets(codes[:, piece]):
            found.append(_near_in(wide, bucket))
    pairs = np.concatenate(found)
    return np.unique(pairs, axis=0) if len(pairs) else pairs


def _buckets(piece: NDArray[np.uint16]) -> Iterator[Rows]:
    order = np.argsort(piece, kind="stable")
    ends = np.flatnonzero(np.diff(piece[order])) + 1
    for bucket in np.split(order, ends):
        if 1 < len(bucket) <= CROWD:
            yield np.sort(bucket)


def _near_in(wide: NDArray[np.uint64], bucket: Rows) -> Rows:
    codes = wide[bucket]
    found = []
    for i in range(len(bucket) - 1):
        apart = np.bitwise_count(codes[i + 1 :] ^ codes[i]).sum(1)
        near = np.flatnonzero(apart <= NEAR)
        if len(near):
            found.append(np.stack([np.full(len(near), bucket[i]), bucket[i + 1 + near]], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), np.intp)
