"""What to collect next: rare units and expressions, empty regions of valence and arousal.

The documents collected twice: the statistics of the first batch chose the second (au-va-thesis,
section 3.1.2; benroumpi-2018, section 3.5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.curation.collection import Collection
from mien.curation.plane import CELLS, affect_of, density
from mien.labels.kinds import likeliest

RARE = 0.05
"""Share of labelled faces below which a unit or expression is rare."""
FEW = 10
"""People below which what is learned of it is learned of them."""
EMPTY = 0.001
"""Share of labelled faces below which a cell of the plane counts as empty."""


@dataclass(frozen=True)
class Scarce:
    """faces, people: that show it. share: of faces labelled with it. missing: faces to collect
    until it is as frequent as the median unit or expression. videos: that hold most of it. few:
    people below which it is wanted: `FEW`, or half of a smaller store's.
    """

    name: str
    faces: int
    people: int
    share: float
    missing: int
    videos: tuple[str, ...]
    few: float = FEW

    @property
    def why(self) -> str:
        """Why it is wanted; '' where it is not."""
        reasons = []
        if self.share < RARE:
            reasons.append(f"{self.share:.1%} of labelled faces")
        if self.people < self.few:
            reasons.append("1 person" if self.people == 1 else f"{self.people} people")
        return ", ".join(reasons)


@dataclass(frozen=True)
class Region:
    """A cell of the plane with next to nothing in it. distance: of its centre from the origin."""

    valence: tuple[float, float]
    arousal: tuple[float, float]
    faces: int
    distance: float


def scarce(of: Collection) -> dict[str, list[Scarce]]:
    """Units and expressions by head, the rarest first."""
    found = {}
    names, shown, said = of.units
    if names:
        found["au"] = _scarce(of, names, shown, said)
    head = of.labels.head("expression")
    if head is not None:
        best = likeliest(of.labels["expression"])
        mine = best[:, None] == np.arange(len(head.outputs))
        known = np.repeat((best >= 0)[:, None], len(head.outputs), axis=1)
        found["expression"] = _scarce(of, head.outputs, mine, known)
    return found


def _scarce(
    of: Collection,
    names: tuple[str, ...],
    shown: NDArray[np.bool_],
    said: NDArray[np.bool_],
) -> list[Scarce]:
    counts = shown.sum(0)
    median = float(np.median(counts))
    few = min(FEW, len(of.people.used()) / 2)
    found = []
    for i, name in enumerate(names):
        mine = np.flatnonzero(shown[:, i])
        videos = of.videos.at(mine)
        by_video = videos.counts()
        most = [videos.names[v] for v in np.argsort(-by_video, kind="stable")[:3] if by_video[v]]
        people = len(of.people.at(mine).used())
        share = float(counts[i] / max(int(said[:, i].sum()), 1))
        missing = max(round(median) - int(counts[i]), 0)
        found.append(Scarce(name, int(counts[i]), people, share, missing, tuple(most), few))
    return sorted(found, key=lambda s: (s.faces, s.name))


def empty_regions(of: Collection) -> tuple[NDArray[np.int64], list[Region]]:
    """Counts of the cells (CELLS, CELLS) and the empty ones within the circle, the nearest first.

    Nobody is at the corners of the square: what lies outside the unit circle does not count.
    """
    counts = density(affect_of(of), CELLS)
    edges = np.linspace(-1, 1, CELLS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    total, found = int(counts.sum()), []
    for row in range(CELLS):
        for column in range(CELLS):
            away = float(np.hypot(middle[row], middle[column]))
            if away <= 1 and counts[row, column] < EMPTY * max(total, 1):
                found.append(
                    Region(
                        (float(edges[column]), float(edges[column + 1])),
                        (float(edges[row]), float(edges[row + 1])),
                        int(counts[row, column]),
                        away,
                    )
                )
    return counts, sorted(found, key=lambda r: r.distance)
