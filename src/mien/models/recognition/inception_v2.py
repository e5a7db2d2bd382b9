"""Inception V2 (Ioffe & Szegedy 2015), of bartissol-2017, section 2.4.5.2, Figure 11.

The module puts side by side a 1 x 1 convolution, a 1 x 1 and a 3 x 3, a 1 x 1 and two 3 x 3 (what
was one 5 x 5 in the first version), and a pool and a 1 x 1. The document trains the network of
TensorFlow's models/slim, which is this table:

layer      1 x 1  3 x 3    double 3 x 3  pool       maps  at 96 px
conv 1     7 x 7, each channel 8 times, stride 2; 1 x 1 64  48
pool       max 3 x 3, stride 2                      64    24
conv 2     1 x 1, 64; 3 x 3, 192                    192   24
pool       max 3 x 3, stride 2                      192   12
3b         64     64-64    64-96-96      mean 32    256   12
3c         64     64-96    64-96-96      mean 64    320   12
4a         -      128-160  64-96-96      max        576   6
4b         224    64-96    96-128-128    mean 128   576   6
4c         192    96-128   96-128-128    mean 128   576   6
4d         160    128-160  128-160-160   mean 96    576   6
4e         96     128-192  160-192-192   mean 96    576   6
5a         -      128-192  192-256-256   max        1024  3
5b         352    192-320  160-224-224   mean 128   1024  3
5c         352    192-320  192-224-224   max 128    1024  3
pool       mean over all places, dropout 0.2        1024
fc         the outputs

4a and 5a halve the side: their last convolutions and their pool have stride 2. Batch norm and ReLU
follow every convolution, the first one after its 1 x 1.
"""

import torch
from torch import Tensor, nn

from mien.models.layers import SameConv2d, SameMaxPool2d, check_side, initialise

MODULES: tuple[tuple[int, tuple[int, int], tuple[int, int], str, int], ...] = (
    (64, (64, 64), (64, 96), "mean", 32),
    (64, (64, 96), (64, 96), "mean", 64),
    (0, (128, 160), (64, 96), "max", 0),
    (224, (64, 96), (96, 128), "mean", 128),
    (192, (96, 128), (96, 128), "mean", 128),
    (160, (128, 160), (128, 160), "mean", 96),
    (96, (128, 192), (160, 192), "mean", 96),
    (0, (128, 192), (192, 256), "max", 0),
    (352, (192, 320), (160, 224), "mean", 128),
    (352, (192, 320), (192, 224), "max", 128),
)
"""By module: maps of the 1 x 1 (0: none, and stride 2), of the 3 x 3 with what reduces for it, of
the double 3 x 3 alike; the pool, and maps of its 1 x 1 (0: none)."""


def convolution(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        SameConv2d(before, after, kernel, stride, bias=False),
        nn.BatchNorm2d(after, eps=1e-3),
        nn.ReLU(),
    )


class SeparableConv2d(nn.Module):
    """A convolution of each channel by itself, `multiplier` times, then 1 x 1 over all of them."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int, multiplier: int = 8
    ) -> None:
        super().__init__()
        inner = before * multiplier
        self.depthwise = nn.Conv2d(
            before, inner, kernel, stride, kernel // 2, groups=before, bias=False
        )
        self.pointwise = nn.Conv2d(inner, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, before, H, W) to (N, after, H / stride, W / stride)."""
        found: Tensor = self.pointwise(self.depthwise(x))
        return found


class Inception(nn.Module):
    """The module of Figure 11: its branches, one beside the other."""

    def __init__(
        self,
        before: int,
        single: int,
        small: tuple[int, int],
        double: tuple[int, int],
        pool: str,
        pooled: int,
    ) -> None:
        super().__init__()
        stride = 1 if single else 2
        mean = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        branches: list[nn.Module] = [
            nn.Sequential(
                convolution(before, small[0], 1), convolution(small[0], small[1], 3, stride)
            ),
            nn.Sequential(
                convolution(before, double[0], 1),
                convolution(double[0], double[1], 3),
                convolution(double[1], double[1], 3, stride),
            ),
            nn.Sequential(
                mean if pool == "mean" else SameMaxPool2d(3, stride),
                convolution(before, pooled, 1) if pooled else nn.Identity(),
            ),
        ]
        if single:
            branches.insert(0, convolution(before, single, 1))
        self.branches = nn.ModuleList(branches)
        self.maps = single + small[1] + double[1] + (pooled or before)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, before, H, W) to (N, maps, H, W), half the side without a 1 x 1."""
        return torch.cat([branch(x) for branch in self.branches], 1)


class InceptionV2(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] to raw outputs (N, outputs). dropout: before the outputs."""

    widths = (1024,)

    def __init__(self, outputs: int, image_size: int = 96, dropout: float = 0.2) -> None:
        super().__init__()
        self.image_size = check_side("inception-v2", image_size)
        layers: list[nn.Module] = [
            nn.Sequential(SeparableConv2d(3, 64, 7, 2), nn.BatchNorm2d(64, eps=1e-3), nn.ReLU()),
            SameMaxPool2d(3, 2),
            convolution(64, 64, 1),
            convolution(64, 192, 3),
            SameMaxPool2d(3, 2),
        ]
        before = 192
        for row in MODULES:
            module = Inception(before, *row)
            layers.append(module)
            before = module.maps
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(before, outputs)
        initialise(self, fan_in=True)

    def features(self, images: Tensor, layer: int = 1) -> Tensor:
        """Map images to (N, 1024), the means of the last maps."""
        found: Tensor = self.layers(images).mean((2, 3))
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, S, S) to (N, outputs)."""
        outputs: Tensor = self.head(self.dropout(self.features(images)))
        return outputs
