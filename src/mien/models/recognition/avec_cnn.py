"""The convolutional network of Khorrami et al. 2016 as au-va-thesis has it, section 2.4.4.

layer          filters                at 96 px
conv 1         64 of 5 x 5            96
max pool       2 x 2                  48
conv 2         128 of 5 x 5           48
max pool       2 x 2                  24
conv 3         256 of 5 x 5           24
quadrant pool  a value per quadrant   2
fc             300
fc             the outputs

Readings: 'same' padding, ReLU, the largest value of a quadrant, 96 px, colour. What the document
does to every picture first, subtract its mean and bring it to one contrast, is a layer.
"""

import torch
from torch import Tensor, nn

from mien.models.layers import check_side, initialise

MAPS = (64, 128, 256)
DENSE = 300
_FLAT = 1e-2
"""Least deviation that a picture is divided by: of one colour all over."""


class SameContrast(nn.Module):
    """Every picture minus its mean, divided by its deviation."""

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same."""
        centred = images - images.mean((1, 2, 3), keepdim=True)
        deviation = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
        return centred / torch.clamp(deviation, min=_FLAT)


class AvecCnn(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] to raw outputs (N, outputs); S a multiple of 8."""

    widths = (DENSE,)

    def __init__(self, outputs: int, image_size: int = 96) -> None:
        super().__init__()
        self.image_size = check_side("avec-cnn", image_size, step=8)
        first, second, third = MAPS
        quadrant = image_size // 8
        self.layers = nn.Sequential(
            SameContrast(),
            nn.Conv2d(3, first, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(first, second, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(second, third, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(quadrant, quadrant),
            nn.Flatten(),
            nn.Linear(2 * 2 * third, DENSE),
            nn.ReLU(),
        )
        self.head = nn.Linear(DENSE, outputs)
        initialise(self, fan_in=True)

    def features(self, images: Tensor, layer: int = 1) -> Tensor:
        """Map images to (N, 300)."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, S, S) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs
