"""A trained network as a recogniser: owns ranges and batches, so that networks need not."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien.labels.arrays import Predictions
from mien.models import RECOGNISERS
from mien.models.checkpoint import load_network
from mien.models.heads import OutputSpec
from mien.recognition.preprocessing import Preprocessing


class TorchRecogniser:
    """A recogniser or discriminator with its weights, in torch (`recognition.protocol`)."""

    follows = False

    def __init__(
        self,
        network: nn.Module,
        spec: OutputSpec,
        preprocessing: Preprocessing,
        batch_size: int = 256,
    ) -> None:
        self.network, self.spec = network.eval(), spec
        self.preprocessing, self.batch_size = preprocessing, batch_size
        self.heads = spec.layout.heads

    @classmethod
    def load(cls, path: Path) -> "TorchRecogniser":
        """Load a safetensors file; raises InputError where it holds no recogniser."""
        network, card = load_network(path, RECOGNISERS)
        if card.spec is None or card.preprocessing is None:
            raise InputError(f"{path}: this network has no affect heads")
        return cls(network, card.spec, card.preprocessing)

    def anew(self) -> "TorchRecogniser":
        """Return itself: it remembers nobody."""
        return self

    def predict(
        self,
        crops: NDArray[np.uint8],
        tracks: NDArray[np.intp] | None = None,
        time_s: NDArray[np.float64] | None = None,
    ) -> Predictions:
        """Predict for RGB bytes (N, S, S, 3), S the size of the preprocessing.

        Raises InputError for crops of another size or type.
        """
        return self.predict_batches(
            torch.from_numpy(self.preprocessing.batch(crops[i : i + self.batch_size]))
            for i in range(0, len(crops), self.batch_size)
        )

    @torch.inference_mode()
    def predict_batches(self, batches: Iterable[Tensor]) -> Predictions:
        """Predict for batches (N, C, S, S) as networks take them."""
        device = next(self.network.parameters()).device
        parts = [self.network(batch.to(device)).float().cpu() for batch in batches]
        return self._decoded(torch.cat(parts) if parts else torch.empty(0, self.spec.outputs))

    def _decoded(self, output: Tensor) -> Predictions:
        """Say what raw outputs (N, outputs) mean."""
        raw = self.spec.layout.split(output)
        fake = np.full(len(output), np.nan, np.float32)
        if self.spec.fake is not None and self.spec.fake.probability:
            fake = self.spec.fake.logit(output, raw).sigmoid().numpy()
        values = {name: part.numpy() for name, part in raw.items()}
        return Predictions.decoded(self.heads, values, self.spec.learned, fake)
