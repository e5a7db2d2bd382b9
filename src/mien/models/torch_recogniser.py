"""A trained network as a recogniser: owns ranges and batches, so that networks need not."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien.labels.arrays import Predictions
from mien.models import RECOGNISERS
from mien.models.checkpoint import load_network
from mien.models.heads import OutputSpec
from mien.recognition.landmarks import fitting
from mien.recognition.preprocessing import Preprocessing
from mien.recognition.provenance import Provenance, read_provenance


class TorchRecogniser:
    """A recogniser or discriminator with its weights, in torch (`recognition.protocol`)."""

    follows = False
    state_size = 0
    """Numbers of a person's state, of one that follows people frame by frame."""

    def __init__(
        self,
        network: nn.Module,
        spec: OutputSpec,
        preprocessing: Preprocessing,
        batch_size: int = 256,
        provenance: Provenance | None = None,
    ) -> None:
        self.network, self.spec = network.eval(), spec
        self.preprocessing, self.batch_size = preprocessing, batch_size
        self.heads, self.provenance = spec.layout.heads, provenance or Provenance()

    @classmethod
    def load(cls, path: Path) -> "TorchRecogniser":
        """Load a safetensors file, with what lies beside it (`recognition.provenance`).

        Raises InputError where it holds no recogniser.
        """
        network, card = load_network(path, RECOGNISERS)
        if card.spec is None or card.preprocessing is None:
            raise InputError(f"{path}: this network has no affect heads")
        provenance = read_provenance(path.parent, card.spec.layout.heads)
        return cls(network, card.spec, card.preprocessing, provenance=provenance)

    def anew(self) -> "TorchRecogniser":
        """Return itself: it remembers nobody."""
        return self

    def predict(
        self,
        crops: NDArray[np.uint8],
        tracks: NDArray[np.intp] | None = None,
        time_s: NDArray[np.float64] | None = None,
        landmarks: NDArray[np.float32] | None = None,
    ) -> Predictions:
        """Predict for RGB bytes (N, S, S, 3), S the size of the preprocessing.

        Raises InputError for crops of another size or type, and without the landmarks that the
        network takes.
        """
        points = fitting(landmarks, len(crops), self.preprocessing.landmarks)
        parts = (slice(i, i + self.batch_size) for i in range(0, len(crops), self.batch_size))
        if points is None:
            return self.predict_batches(self._images(crops[part]) for part in parts)
        both = ((self._images(crops[part]), torch.from_numpy(points[part])) for part in parts)
        return self._decoded([self._output(*pair) for pair in both])

    def _images(self, crops: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(self.preprocessing.batch(crops))

    def predict_batches(self, batches: Iterable[Tensor]) -> Predictions:
        """Predict for batches (N, C, S, S) as networks take them, that take nothing beside."""
        return self._decoded([self._output(batch) for batch in batches])

    @torch.inference_mode()
    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the last layer sees, (N, F), of RGB bytes (N, S, S, 3).

        Raises InputError where it sees more than pictures, or the network has none.
        """
        network: Any = self.network
        self.check_features()
        device = next(network.parameters()).device
        starts = range(0, max(len(crops), 1), self.batch_size)
        parts = [
            network.features(self._images(crops[i : i + self.batch_size]).to(device))
            for i in starts
        ]
        found: NDArray[np.float32] = torch.cat(parts).flatten(1).float().cpu().numpy()
        return found

    def check_features(self) -> None:
        """Raise InputError where `features` would."""
        more = "landmarks" if self.preprocessing.landmarks else "frames before" * self.follows
        if more:
            raise InputError(f"this model sees {more} too: it has no features of pictures alone")
        if not hasattr(self.network, "features"):
            raise InputError("this model's network has no features to take")

    @torch.inference_mode()
    def _output(self, *inputs: Tensor) -> Tensor:
        """Raw outputs (N, outputs) of a batch, on the CPU."""
        device = next(self.network.parameters()).device
        output: Tensor = self.network(*(part.to(device) for part in inputs)).float().cpu()
        return output

    @torch.inference_mode()
    def _decoded(self, parts: list[Tensor]) -> Predictions:
        """Say what the raw outputs of several batches mean."""
        output = torch.cat(parts) if parts else torch.empty(0, self.spec.outputs)
        raw = self.spec.layout.split(output)
        fake = np.full(len(output), np.nan, np.float32)
        if self.spec.fake is not None and self.spec.fake.probability:
            fake = self.spec.fake.logit(output, raw).sigmoid().numpy()
        values = {name: part.numpy() for name, part in raw.items()}
        return Predictions.decoded(self.heads, values, self.spec.learned, fake)
