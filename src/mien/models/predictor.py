"""From face crops to affect: owns sizes, ranges and batches, so that networks need not."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mien.errors import InputError
from mien.metrics.affect import Predictions
from mien.models import DISCRIMINATORS, channels_of
from mien.models.checkpoint import LearnedHeads, load_network

_GREY = torch.tensor([0.299, 0.587, 0.114]) / 127.5
"""Weights of red, green and blue in grey, from bytes to 0 to 2."""


def to_network(pixels: NDArray[np.uint8], channels: int = 3) -> Tensor:
    """Turn RGB bytes (N, H, W, 3) into float32 (N, channels, H, W) in [-1, 1]; 1 channel: grey."""
    if channels == 1:
        grey = torch.from_numpy(pixels.reshape(-1, 3)).float() @ _GREY
        return grey.sub_(1).view(len(pixels), 1, *pixels.shape[1:3])
    return torch.from_numpy(pixels).float().div_(127.5).sub_(1).permute(0, 3, 1, 2)


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """Turn float (N, 3 or 1, H, W) in [-1, 1] into RGB bytes (N, H, W, 3)."""
    levels = (
        images.detach()
        .expand(-1, 3, -1, -1)
        .float()
        .add(1)
        .mul(127.5)
        .round()
        .clamp(0, 255)
        .to(torch.uint8)
    )
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())


class AffectPredictor:
    """A trained discriminator as a recogniser of affect."""

    def __init__(self, network: torch.nn.Module, heads: LearnedHeads, batch_size: int = 256):
        self.network = network.eval()
        self.heads = heads
        self.batch_size = batch_size
        self.image_size = int(network.image_size)  # type: ignore[arg-type]
        self.channels = channels_of(network)
        self._hidden = _unlearned(heads)

    @classmethod
    def load(cls, path: Path) -> "AffectPredictor":
        """Load a discriminator's safetensors file; raises InputError where it is none."""
        network, heads = load_network(path, DISCRIMINATORS)
        if heads is None:
            raise InputError(f"{path}: this network has no affect heads")
        return cls(network, heads)

    def fit(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize one RGB crop (H, W, 3) to the network's input, antialiased."""
        side = self.image_size
        if crop.shape[:2] == (side, side):
            return crop
        resized = Image.fromarray(crop).resize((side, side), Image.Resampling.BICUBIC)
        return np.array(resized)  # a copy: torch warns of arrays it may not write to

    def predict(self, pixels: NDArray[np.uint8]) -> Predictions:
        """Predict for RGB bytes (N, S, S, 3), S the network's image size."""
        return self.predict_batches(
            to_network(pixels[i : i + self.batch_size], self.channels)
            for i in range(0, len(pixels), self.batch_size)
        )

    @torch.inference_mode()
    def predict_batches(self, batches: Iterable[Tensor]) -> Predictions:
        """Predict for batches of network input (N, channels, S, S), in order."""
        layout = self.heads.layout
        outputs = [self.network(batch) for batch in batches]
        output = torch.cat(outputs) if outputs else torch.empty(0, layout.outputs)
        heads = layout.split(output)
        va = (
            heads.valence_arousal
            if layout.valence_arousal
            else torch.full((len(output), 2), np.nan)
        )
        fields = (va, heads.au.sigmoid(), heads.expression.softmax(1))
        va_values, au, expression = (field.float().numpy().copy() for field in fields)
        for values, hidden in zip((va_values, au, expression), self._hidden, strict=True):
            values[:, hidden] = np.nan
        fake = heads.fake.sigmoid().float().numpy()
        if not self.heads.fake:
            fake = np.full(len(fake), np.nan, np.float32)
        return Predictions(layout.aus, layout.expressions, va_values, au, expression, fake)


def _unlearned(heads: LearnedHeads) -> tuple[NDArray[np.bool_], ...]:
    """Masks over the columns of the three heads: True where no label was ever seen."""
    return (
        np.array([not heads.valence, not heads.arousal]),
        np.array([au not in heads.aus for au in heads.layout.aus], bool),
        np.full(len(heads.layout.expressions), not heads.expressions),
    )
