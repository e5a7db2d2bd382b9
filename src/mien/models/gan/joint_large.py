"""joint-32's order of layers at 64 and 96 px: activation, batch norm, dropout (docs/joint.md).

Four layers of stride 2 on each side, as configuration 2 of kollias-2018 (Tables VII and VIII) and
the regression GAN of benroumpi-2018 have; narrower, so that a step takes about a second on two
cores.
"""

from itertools import pairwise

from torch import Tensor, nn

from mien.models.layers import LEAK, SameConv2d, SameDeconvolution, batch_norm, initialise

_GENERATOR_WIDTHS = (256, 128, 64, 32)
_DISCRIMINATOR_WIDTHS = (3, 32, 64, 128, 256)


class Joint64Generator(nn.Module):
    """Noise (N, 100) in [-1, 1] to images (N, 3, 64, 64) in [-1, 1]."""

    image_size = 64

    def __init__(self, noise: int = 100) -> None:
        super().__init__()
        self.noise, self.side = noise, self.image_size // 16
        first, last = _GENERATOR_WIDTHS[0], _GENERATOR_WIDTHS[-1]
        self.project = nn.Linear(noise, first * self.side**2)
        layers: list[nn.Module] = [nn.LeakyReLU(LEAK), batch_norm(first)]
        for inputs, width in pairwise(_GENERATOR_WIDTHS):
            layers += [SameDeconvolution(inputs, width, 5), nn.LeakyReLU(LEAK), batch_norm(width)]
        self.layers = nn.Sequential(*layers, SameDeconvolution(last, 3, 5), nn.Tanh())
        initialise(self)

    def forward(self, noise: Tensor) -> Tensor:
        """Map (N, noise) to (N, 3, S, S)."""
        start = self.project(noise).view(len(noise), -1, self.side, self.side)
        images: Tensor = self.layers(start)
        return images


class Joint64Discriminator(nn.Module):
    """Images (N, 3, 64, 64) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 64

    def __init__(self, outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, width in pairwise(_DISCRIMINATOR_WIDTHS):
            layers += [
                SameConv2d(inputs, width, kernel=5, stride=2),
                nn.LeakyReLU(LEAK),
                batch_norm(width),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(_DISCRIMINATOR_WIDTHS[-1] * (self.image_size // 16) ** 2, outputs)
        initialise(self)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 4096) at 64 px, (N, 9216) at 96: what the last layer sees."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, S, S) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs


class Joint96Generator(Joint64Generator):
    """The same, to (N, 3, 96, 96)."""

    image_size = 96


class Joint96Discriminator(Joint64Discriminator):
    """The same, of (N, 3, 96, 96)."""

    image_size = 96
