"""Splits that documents print, by the names of their videos."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, unknown_name

TEST_VIDEOS: dict[str, frozenset[str]] = {
    "au-va-thesis": frozenset(["1", "11", "16", "21", "29", "31", "39", "45", "49", "51"]),
    "benroumpi-2018": frozenset(
        [
            "7",
            "19",
            "25",
            "45_1",
            "45_2",
            "45_3",
            "45_4",
            "45_5",
            "45_6",
            "45_7",
            "48",
            "62",
            "72",
            "73",
        ]
    ),
}
"""Test videos; every other video trains (au-va-thesis, section 3.1.4; benroumpi-2018, 4.3)."""

_NUMBER = re.compile(r"(?:.*/)?(?:video[ _]?)?(\d+(?:_\d+)?)(?:_(?:left|right))?(?:\.\w+)?", re.I)


def fixed(name: str, videos: Sequence[str | None]) -> NDArray[np.intp]:
    """Part of every face (N,) by its video: 0 train, 2 test. InputError where it does not fit.

    videos: as the store names them; `aff/video45_1.mp4`, `video45_1` and `45_1` are one.
    """
    if name not in TEST_VIDEOS:
        raise unknown_name("list", name, TEST_VIDEOS)
    wanted = TEST_VIDEOS[name]
    number_of: dict[str, str] = {}
    for video in {v for v in videos if v is not None}:
        found = _NUMBER.fullmatch(video)
        if found is None:
            raise InputError(f"list {name}: video {video!r} has no number; it lists numbers")
        number_of[video] = found[1]
    if missing := wanted - set(number_of.values()):
        raise InputError(f"list {name}: the store has no video {', '.join(sorted(missing))}")
    if None in videos:
        raise InputError(f"list {name}: some faces are of no video")
    return np.array([2 if number_of[str(video)] in wanted else 0 for video in videos], np.intp)
