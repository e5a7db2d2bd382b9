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

    heads: what it predicts. preprocessing: how its crops are cut and turned into numbers. follows:
    whether it keeps a state per person, or sees windows of frames together: then it is given
    tracks, the faces of each in order of time. provenance: what labels taught each output, and how
    sure it may call itself.
    """

    heads: tuple[Head, ...]
    preprocessing: Preprocessing
    follows: bool
    provenance: Provenance

    def anew(self) -> "Recogniser":
        """Return one that has not seen anybody: for another video, whose tracks are others."""

    def predict(
        self,
        crops: NDArray[np.uint8],
        tracks: NDArray[np.intp] | None = None,
        time_s: NDArray[np.float64] | None = None,
        landmarks: NDArray[np.float32] | None = None,
    ) -> Predictions:
        """Predict for RGB crops (N, size, size, 3), size the preprocessing's.

        tracks, time_s: (N,) person and presentation time of each, for recognisers that keep a
        state per person; others ignore them. What is remembered of a person is held over frames
        that show no face. Where the preprocessing's window is above 1, each call is one window.
        landmarks: (N, P, 2), places in the crops (`landmarks.in_crop`), NaN where unknown, for
        recognisers whose preprocessing names P of them, which raise InputError without; others
        ignore them.
        """

    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What its last layer sees, (N, F), of RGB crops (N, size, size, 3).

        Raises InputError where it cannot say.
        """
