"""Predictions of some faces beside their labels, wherever the predictions come from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.arrays import Labels, Predictions
from mien.labels.heads import Head
from mien.metrics.affect import affect_scores
from mien.store import Store

GROUPINGS = {"person": "subject", "video": "video"}
"""What tables may be by, and the column that says it."""


@dataclass(frozen=True)
class JudgedFaces:
    """N faces of a store, at `rows`. name: of what predicted them."""

    name: str
    store: Store
    rows: NDArray[np.intp]
    labels: Labels
    predictions: Predictions

    @cached_property
    def truth(self) -> dict[str, NDArray[np.float32]]:
        """Labels (N, K) of the outputs that are predicted, by head; NaN where unlabelled."""
        return self.labels.aligned(self.predictions.heads)

    def scored_heads(self) -> list[Head]:
        """Heads of which some face has both a label and a prediction."""
        return [
            head
            for head in self.predictions.heads
            if (~np.isnan(self.truth[head.name]) & ~np.isnan(self.predictions[head.name])).any()
        ]

    def scores(self) -> dict[str, Any]:
        """All scores by head."""
        return affect_scores(self.predictions, self.labels)

    def grouped(self) -> tuple[NDArray[np.intp], list[str], str]:
        """Each face's group, from 0; the groups' names; and what they are, in words.

        The person; where nobody is named, the video; where there is none, the image.
        """
        group = np.full(len(self.rows), -1, np.intp)
        names: list[str] = []
        used = []
        for kind, words in (("subject", "people"), ("video", "videos"), ("image", "images")):
            found = self.store.codes(kind).at(self.rows)
            new = (group < 0) & (found.codes >= 0)
            if new.any():
                codes, place = np.unique(found.codes[new], return_inverse=True)
                group[new] = len(names) + place
                names += [found.names[code] for code in codes]
                used.append(words)
        return group, names, " and ".join(used)

    def by(self, grouping: str) -> tuple[NDArray[np.intp], list[str]]:
        """Each face's person or video (-1 where none is named), and their names."""
        codes = self.store.codes(GROUPINGS[grouping]).at(self.rows)
        used = np.flatnonzero(codes.counts())
        if len(used) == 0:
            raise InputError(f"{self.store.folder}: no {grouping} is named on these faces")
        place = np.full(len(codes.names) + 1, -1, np.intp)
        place[used] = np.arange(len(used))
        return place[codes.codes], [codes.names[i] for i in used]
