"""Configuration 2 at 96 x 96 (kollias-2018, Tables VII and VIII), with 5 x 5 or 7 x 7 kernels.

The document leaves open over what the first batch norm runs; here over the 1,024 channels after
reshaping, as DCGAN.
"""

from torch import Tensor, nn

from mien.models.layers import (
    LEAK,
    SameConv2d,
    SameDeconvolution,
    batch_norm,
    initialise,
)


class Config2Generator(nn.Module):
    """Table VII: noise (N, 100) in [-1, 1] to images (N, 3, 96, 96) in [-1, 1]."""

    image_size = 96
    kernel = 5

    def __init__(self, noise: int = 100) -> None:
        super().__init__()
        self.noise, k = noise, self.kernel
        self.project = nn.Linear(noise, 6 * 6 * 1024)
        self.layers = nn.Sequential(
            batch_norm(1024),
            nn.ReLU(),
            SameDeconvolution(1024, 512, k),
            batch_norm(512),
            nn.ReLU(),
            SameDeconvolution(512, 256, k),
            batch_norm(256),
            nn.ReLU(),
            SameDeconvolution(256, 128, k),
            batch_norm(128),
            nn.ReLU(),
            SameDeconvolution(128, 3, k),
            nn.Tanh(),
        )
        initialise(self)

    def forward(self, noise: Tensor) -> Tensor:
        """Map (N, noise) to (N, 3, 96, 96)."""
        images: Tensor = self.layers(self.project(noise).view(-1, 1024, 6, 6))
        return images


class Config2Discriminator(nn.Module):
    """Table VIII: images (N, 3, 96, 96) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 96
    kernel = 5

    def __init__(self, outputs: int) -> None:
        super().__init__()
        k = self.kernel
        self.layers = nn.Sequential(
            SameConv2d(3, 64, k, stride=2),
            batch_norm(64),
            nn.LeakyReLU(LEAK),
            SameConv2d(64, 128, k, stride=2),
            batch_norm(128),
            nn.LeakyReLU(LEAK),
            SameConv2d(128, 256, k, stride=2),
            batch_norm(256),
            nn.LeakyReLU(LEAK),
            SameConv2d(256, 512, k, stride=2),
            batch_norm(512),
            nn.LeakyReLU(LEAK),
            nn.Flatten(),
        )
        self.head = nn.Linear(6 * 6 * 512, outputs)
        initialise(self)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 18432), what the last layer sees."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, 96, 96) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs


class Config2Generator7(Config2Generator):
    """Table VII with 7 x 7 kernels."""

    kernel = 7


class Config2Discriminator7(Config2Discriminator):
    """Table VIII with 7 x 7 kernels."""

    kernel = 7
