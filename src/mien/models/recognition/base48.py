"""The network of mien-base: residual blocks with squeeze and excitation on 48 x 48 grey crops.

Blocks after He et al. 2016 ("Deep residual learning"), channel attention after Hu et al. 2018. Full
resolution in the stem alone: most of the cost is in the first block.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 144, 240)
STEM = 32


class SqueezeExcite(nn.Module):
    """Weigh channels by what their means say (Hu et al. 2018, section 3)."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same."""
        weight = x.mean((2, 3), keepdim=True)
        weight = torch.sigmoid(self.excite(torch.relu(self.squeeze(weight))))
        return x * weight


class Block(nn.Module):
    """Two 3 x 3 convolutions beside the identity, or a 1 x 1 convolution where sizes differ."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            SqueezeExcite(channels_out),
        )
        self.short = nn.Sequential()
        if stride > 1 or channels_in != channels_out:
            self.short = nn.Sequential(
                nn.AvgPool2d(2) if stride > 1 else nn.Identity(),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        return torch.relu(self.body(x) + self.short(x))


class Base48(nn.Module):
    """Images (N, 1, 48, 48) in [-1, 1] to raw outputs (N, outputs).

    Stem 3 x 3 at 48 px; blocks 32 at 24 px, 64 twice at 12 px, 144 twice at 6 px, 240 twice at 3
    px; mean over places, dropout.
    """

    image_size = 48
    channels = 1

    def __init__(self, outputs: int, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(1, STEM, 3, 1, 1, bias=False),
            nn.BatchNorm2d(STEM),
            nn.ReLU(),
            Block(STEM, WIDTHS[0], 2),
        ]
        for before, width in pairwise(WIDTHS):
            layers += [Block(before, width, 2), Block(width, width, 1)]
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(WIDTHS[-1], outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 240), what the last layer sees."""
        found: Tensor = self.layers(images).mean((2, 3))
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, 48, 48) to (N, outputs)."""
        outputs: Tensor = self.head(self.dropout(self.features(images)))
        return outputs
