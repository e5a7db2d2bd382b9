"""Real crops, and small recognisers of any heads."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.analysis.analyze import Analyzer, frames_of
from mien.faces.crop import square_crop
from mien.labels.arrays import Learned
from mien.labels.heads import Head
from mien.models.checkpoint import NetworkCard, save_network
from mien.models.heads import FakeOutput, HeadLayout, OutputSpec
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.preprocessing import Preprocessing

SIDE = 32
HEADS = (
    Head("valence_arousal", ("valence", "arousal")),
    Head("au", ("AU01", "AU12", "AU25")),
    Head("au_intensity", ("AU06", "AU12")),
    Head("expression", ("neutral", "happiness", "sadness")),
)


class Small(nn.Module):
    """Tells crops apart, as random networks of the documents do not: its outputs spread widely."""

    image_size = SIDE

    def __init__(self, outputs: int, channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 6, 5, stride=4), nn.BatchNorm2d(6), nn.LeakyReLU(0.2), nn.Flatten()
        )
        self.head = nn.Linear(6 * 7 * 7, outputs)
        with torch.no_grad():
            self.layers[1].running_mean.uniform_(-0.2, 0.2)
            self.head.weight.mul_(20)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.head(self.layers(images))
        return found


def small(
    heads: Iterable[Head],
    learned: Learned | None = None,
    fake: FakeOutput | None = None,
    channels: int = 3,
    margin: float | None = 0.2,
    **scales: float,
) -> TorchRecogniser:
    """Make a recogniser with random weights; all outputs learned where not said otherwise."""
    torch.manual_seed(1)
    heads = tuple(heads)
    learned = learned or Learned({head.name: head.outputs for head in heads})
    spec = OutputSpec(HeadLayout(heads, scales), learned, fake)
    return TorchRecogniser(
        Small(spec.outputs, channels), spec, Preprocessing(SIDE, margin, channels)
    )


@lru_cache
def real_crops(clip: Path, side: int = SIDE) -> NDArray[np.uint8]:
    """Return 24 faces (24, side, side, 3) of the clip: more than one batch of ONNX Runtime's."""
    cut = []
    for analyzed in Analyzer(None).analyze(f for f in frames_of(clip) if f.frame % 5 == 0):
        cut += [square_crop(analyzed.source.rgb, box, side) for box in analyzed.found.boxes]
    assert len(cut) == 24
    return np.stack(cut)


def save(recogniser: TorchRecogniser, name: str, path: Path) -> Path:
    """Write weights of a registered network as a checkpoint does."""
    card = NetworkCard(
        name, {"outputs": recogniser.spec.outputs}, recogniser.spec, recogniser.preprocessing
    )
    save_network(path, recogniser.network, card)
    return path
