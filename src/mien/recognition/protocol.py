"""What a recogniser is, whatever runs it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.labels.arrays import Predictions
from mien.labels.heads import Head
from mien.recognition.preprocessing import Preprocessing
from mien.recognition.provenance import Provenance


class Recogniser(Protocol):
    """From crops of faces to affect: numpy in, numpy out.

    heads: what it predicts. preprocessing: how its crops are cut and turned into numbers.
    provenance: what labels taught each output, and how sure it may call itself.
    """

    heads: tuple[Head, ...]
    preprocessing: Preprocessing
    provenance: Provenance

    def predict(
        self,
        crops: NDArray[np.uint8],
        tracks: NDArray[np.intp] | None = None,
        time_s: NDArray[np.float64] | None = None,
    ) -> Predictions:
        """Predict for RGB crops (N, size, size, 3), size the preprocessing's.

        tracks, time_s: (N,) person and presentation time of each, for recognisers that keep a
        state per person; others ignore them.
        """

    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What its last layer sees, (N, F), of RGB crops (N, size, size, 3).

        Raises InputError where it cannot say.
        """
