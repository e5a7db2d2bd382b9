"""Windows of consecutive frames of one track, for recurrent networks."""

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError


def track_windows(
    video: NDArray[np.int32],
    track: NDArray[np.int32],
    frame: NDArray[np.int32],
    length: int,
    stride: int,
) -> NDArray[np.intp]:
    """Return rows (W, length), -1 for a frame without a face of the track.

    video, track, frame: (N,), negative where there is none. Windows are in order of video, track
    and time; the last one of a track reaches its last frame. One without any face is left out.
    Raises InputError for a length or stride below 1.
    """
    if length < 1 or stride < 1:
        raise InputError(f"windows of {length} frames every {stride}: give at least 1 of each")
    rows = np.flatnonzero((video >= 0) & (track >= 0) & (frame >= 0))
    if len(rows) == 0:
        return np.empty((0, length), np.intp)
    number = _track_numbers(video[rows], track[rows])
    span = int(frame[rows].max()) + length + stride + 1
    place = number * span + frame[rows]  # of a face on one line of all tracks' frames
    order = np.argsort(place, kind="stable")
    rows, place, number = rows[order], place[order], number[order]
    first = np.flatnonzero(np.diff(number, prepend=-1))
    last = np.append(first[1:], len(rows)) - 1
    frames = place[last] - place[first] + 1
    many = 1 + np.maximum(0, -(-(frames - length) // stride))
    step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    begin = np.repeat(place[first], many) + step * stride
    wanted = begin[:, None] + np.arange(length)
    found = np.minimum(np.searchsorted(place, wanted), len(place) - 1)
    windows = np.where(place[found] == wanted, rows[found], -1)
    return np.asarray(windows[(windows >= 0).any(1)], np.intp)


def track_numbers(
    video: NDArray[np.int32], track: NDArray[np.int32], frame: NDArray[np.int32]
) -> NDArray[np.intp]:
    """Number the tracks from 0, by video and track; -1 for a face that belongs to none, (N,)."""
    rows = np.flatnonzero((video >= 0) & (track >= 0) & (frame >= 0))
    numbers = np.full(len(video), -1, np.intp)
    if len(rows):
        numbers[rows] = _track_numbers(video[rows], track[rows])
    return numbers


def _track_numbers(video: NDArray[np.int32], track: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number the tracks from 0, by video and track."""
    key = video.astype(np.int64) * (int(track.max()) + 1) + track
    _, number = np.unique(key, return_inverse=True)
    return np.asarray(number, np.int64)
