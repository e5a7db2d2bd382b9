"""Labels of many faces as arrays, with what is missing marked, never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UNLABELLED = -1
"""In the integer arrays; the float arrays hold NaN."""


@dataclass(frozen=True)
class LabelArrays:
    """What is known of N faces.

    valence_arousal: (N, 2) float32 in [-1, 1], valence first; NaN where unlabelled.
    au: (N, len(aus)) int8, 1 present, 0 absent, -1 unlabelled; columns in the order of `aus`.
    expression: (N,) int8 index into `expressions`, -1 unlabelled.
    au_intensity: (N, len(aus)) float32, 0 to 5; NaN where unlabelled.
    """

    aus: tuple[int, ...]
    expressions: tuple[str, ...]
    valence_arousal: NDArray[np.float32]
    au: NDArray[np.int8]
    expression: NDArray[np.int8]
    au_intensity: NDArray[np.float32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "LabelArrays":
        """Return the labels of the faces at `rows` (indices, a mask or a slice)."""
        return LabelArrays(
            self.aus,
            self.expressions,
            self.valence_arousal[rows],
            self.au[rows],
            self.expression[rows],
            self.au_intensity[rows],
        )

    def aligned(self, aus: Sequence[int], expressions: Sequence[str]) -> "LabelArrays":
        """Return the same faces with the columns and indices of other lists.

        A unit or expression this store does not know is unlabelled in the result, and so is an
        expression that the other list does not have.
        """
        n = len(self)
        au = np.full((n, len(aus)), UNLABELLED, np.int8)
        intensity = np.full((n, len(aus)), np.nan, np.float32)
        for column, unit in enumerate(aus):
            if unit in self.aus:
                au[:, column] = self.au[:, self.aus.index(unit)]
                intensity[:, column] = self.au_intensity[:, self.aus.index(unit)]
        codes = [expressions.index(e) if e in expressions else UNLABELLED for e in self.expressions]
        table = np.array([*codes, UNLABELLED], np.int8)  # -1 picks the last entry
        return LabelArrays(
            tuple(aus),
            tuple(expressions),
            self.valence_arousal,
            au,
            table[self.expression],
            intensity,
        )
