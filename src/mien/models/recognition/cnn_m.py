"""CNN-M (Chatfield et al. 2014) as benroumpi-2018 has it, Figure 2.23 (and 4.3).

layer     filter            stride  padding  at 96 px
conv 1    7 x 7, 3-96       2       valid    45
max pool  3 x 3             2       valid    22
conv 2    5 x 5, 96-256     2       same     11
max pool  3 x 3             2       same     6
conv 3    3 x 3, 256-512    1       same     6
conv 4    3 x 3, 512-512    1       same     6
conv 5    3 x 3, 512-512    1       same     6
max pool  2 x 2             2       same     3
fc 1      4096
fc 2      2: the outputs

Batch norm follows every convolution. Readings: ReLU after each norm and after fc 1; 96 px, the side
of the faces of the nets that it is compared with (au-va-thesis, section 2.4.4).
"""

import torch
from torch import Tensor, nn

from mien.models.layers import SameConv2d, SameMaxPool2d, batch_norm, check_side, initialise

POINTS = 5
"""Landmarks of a face: eyes, nose tip, corners of the mouth."""


def convolutions() -> list[nn.Module]:
    """Everything before fc 1, but for Flatten."""

    def normalised(convolution: nn.Conv2d) -> list[nn.Module]:
        return [convolution, batch_norm(convolution.out_channels), nn.ReLU()]

    return [
        *normalised(nn.Conv2d(3, 96, 7, stride=2)),
        nn.MaxPool2d(3, 2),
        *normalised(SameConv2d(96, 256, kernel=5, stride=2)),
        SameMaxPool2d(3, 2),
        *normalised(SameConv2d(256, 512, kernel=3, stride=1)),
        *normalised(SameConv2d(512, 512, kernel=3, stride=1)),
        *normalised(SameConv2d(512, 512, kernel=3, stride=1)),
        SameMaxPool2d(2, 2),
    ]


def last_side(image_size: int) -> int:
    """Side of the last maps: 3 of 96 px, 2 of 64 px."""
    valid = ((image_size - 7) // 2 + 1 - 3) // 2 + 1
    return -(-valid // 8)


class CnnM(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] to raw outputs (N, outputs). widths: of `features`."""

    widths = (4096,)

    def __init__(self, outputs: int, image_size: int = 96) -> None:
        super().__init__()
        self.image_size = check_side("cnn-m", image_size)
        self.layers = nn.Sequential(
            *convolutions(),
            nn.Flatten(),
            nn.Linear(last_side(image_size) ** 2 * 512, 4096),
            nn.ReLU(),
        )
        self.head = nn.Linear(4096, outputs)
        initialise(self, fan_in=True)

    def features(self, images: Tensor, layer: int = 1) -> Tensor:
        """Map images to (N, 4096), what fc 1, the only such layer, says."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, S, S) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs


class CnnMLandmarks(nn.Module):
    """CNN-M that sees a face's five landmarks beside its last maps, at fc 1.

    Images (N, 3, S, S) in [-1, 1] and landmarks (N, 5, 2) in the crop, [-1, 1] from its left to its
    right and from its top to its bottom, NaN where unknown, to raw outputs (N, outputs). What is
    unknown is 0, and a number per landmark says whether it is known.
    """

    widths = (4096,)
    landmarks = POINTS

    def __init__(self, outputs: int, image_size: int = 96) -> None:
        super().__init__()
        self.image_size = check_side("cnn-m", image_size)
        self.layers = nn.Sequential(*convolutions(), nn.Flatten())
        maps = last_side(image_size) ** 2 * 512
        self.dense = nn.Sequential(nn.Linear(maps + 3 * POINTS, 4096), nn.ReLU())
        self.head = nn.Linear(4096, outputs)
        initialise(self, fan_in=True)

    def features(self, images: Tensor, landmarks: Tensor, layer: int = 1) -> Tensor:
        """Map images and landmarks to (N, 4096), what fc 1 says."""
        known = ~landmarks.isnan().any(2)
        places = torch.where(known[:, :, None], landmarks, 0.0).flatten(1)
        seen = torch.cat([self.layers(images), places, known.to(places)], 1)
        found: Tensor = self.dense(seen)
        return found

    def forward(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Map (N, 3, S, S) and (N, 5, 2) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images, landmarks))
        return outputs
