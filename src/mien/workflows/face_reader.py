"""A recogniser for pictures in memory: of faces, or with faces somewhere in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.analysis.analyze import AnalyzedFrame, Analyzer, SourceFrame
from mien.errors import InputError
from mien.faces.crop import square_crop
from mien.labels.arrays import Predictions
from mien.labels.heads import Head
from mien.recognition.preprocessing import Preprocessing
from mien.recognition.protocol import Recogniser
from mien.recognition.provenance import Provenance

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class FoundFaces:
    """The M faces of several frames.

    frame: (M,) which picture. boxes: (M, 4) x0 y0 x1 y1 in its pixels. confidence: (M,) the
    detector's. predictions: of the M faces. features: (M, F), where they were asked for.
    """

    frame: NDArray[np.intp]
    boxes: NDArray[np.float32]
    confidence: NDArray[np.float32]
    predictions: Predictions
    features: NDArray[np.float32] | None = None


class FaceReader:
    """A recogniser (`recognition.protocol`) that takes pictures of any size.

    heads: what it predicts. provenance: what labels taught it. sha256: of its content. recogniser:
    the one beneath, which takes crops of exactly its size.
    """

    def __init__(self, recogniser: Recogniser, sha256: str) -> None:
        self.recogniser, self.sha256 = recogniser, sha256
        self.heads: tuple[Head, ...] = recogniser.heads
        self.preprocessing: Preprocessing = recogniser.preprocessing
        self.provenance: Provenance = recogniser.provenance
        self.follows: bool = recogniser.follows

    def anew(self) -> "FaceReader":
        """Return one that has not seen anybody."""
        return FaceReader(self.recogniser.anew(), self.sha256)

    def predict(
        self,
        crops: Picture | Sequence[Picture],
        tracks: NDArray[np.intp] | None = None,
        time_s: NDArray[np.float64] | None = None,
        landmarks: NDArray[np.float32] | None = None,
    ) -> Predictions:
        """Predict for pictures that are faces: RGB bytes (N, H, W, 3), or a list of any sizes.

        They are resized to the model's size; how much room around the face they should have says
        `preprocessing.margin`. `find` takes whole frames. Raises InputError for other arrays.
        """
        return self.recogniser.predict(self._fitted(crops), tracks, time_s, landmarks)

    def features(self, crops: Picture | Sequence[Picture]) -> NDArray[np.float32]:
        """What the last layer sees, (N, F): for training something of one's own on few labels.

        Raises InputError where the model's file has no such output.
        """
        return self.recogniser.features(self._fitted(crops))

    def find(
        self,
        frames: Iterable[Picture],
        features: bool = False,
        min_face: float | None = None,
    ) -> FoundFaces:
        """Find the faces of whole pictures, RGB bytes (H, W, 3) each, and predict.

        features: those of the last layer too. min_face: pixels from which faces are looked for.
        Nobody is followed from picture to picture: `mien.stream` does that.
        """
        analyzer = Analyzer(self.recogniser, min_face=min_face)
        sources = (SourceFrame(i, None, _checked(rgb)) for i, rgb in enumerate(frames))
        seen: list[AnalyzedFrame] = []
        seen_features = []
        for analyzed in analyzer.analyze(sources):
            if features and len(analyzed.found):
                seen_features.append(self.features(self._crops(analyzed, analyzer.margin)))
            bare = SourceFrame(analyzed.source.frame, None, np.empty((0, 0, 3), np.uint8))
            seen.append(AnalyzedFrame(bare, analyzed.found, analyzed.face_id, analyzed.predictions))
        return _joined(seen, self, np.concatenate(seen_features) if seen_features else None)

    def _crops(self, analyzed: AnalyzedFrame, margin: float) -> Picture:
        side, rgb = self.preprocessing.size, analyzed.source.rgb
        return np.stack([square_crop(rgb, box, side, margin) for box in analyzed.found.boxes])

    def _fitted(self, crops: Picture | Sequence[Picture]) -> Picture:
        side = self.preprocessing.size
        if isinstance(crops, np.ndarray) and crops.ndim == 3:
            raise InputError("crops are (N, H, W, 3), or a list of (H, W, 3): put one into a list")
        fitted = [self.preprocessing.fit(_checked(crop)) for crop in crops]
        return np.stack(fitted) if fitted else np.empty((0, side, side, 3), np.uint8)


def _checked(rgb: Picture) -> Picture:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.shape[2:] != (3,):
        said = f"{rgb.dtype} {rgb.shape}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise InputError(f"a picture is RGB bytes, uint8 (H, W, 3), not {said}")
    return rgb


def _joined(
    seen: list[AnalyzedFrame], reader: FaceReader, features: NDArray[np.float32] | None
) -> FoundFaces:
    side = reader.preprocessing.size
    parts = [a for a in seen if len(a.found)]
    points = np.empty((0, reader.preprocessing.landmarks, 2), np.float32)
    none = reader.recogniser.predict(np.empty((0, side, side, 3), np.uint8), landmarks=points)
    predictions = [none, *(a.predictions for a in parts if a.predictions is not None)]
    values = {name: np.concatenate([p[name] for p in predictions]) for name in none}
    frame = np.concatenate(
        [np.empty(0, np.intp), *(np.full(len(a.found), a.source.frame, np.intp) for a in parts)]
    )
    return FoundFaces(
        frame,
        np.concatenate([np.empty((0, 4), np.float32), *(a.found.boxes for a in parts)]),
        np.concatenate([np.empty(0, np.float32), *(a.found.confidence for a in parts)]),
        Predictions(reader.heads, values, len(frame)),
        features,
    )
