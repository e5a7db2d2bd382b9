"""The regression GAN at 64 x 64 (benroumpi-2018, sections 4.4.2 and 4.4.3, Table 4.1).

The text starts the generator at 4 x 4 x 512, the caption of its figure (DCGAN's own) at 4 x 4 x
1024; the text is followed, the widths halving from there. In the discriminator the table's order is
followed (convolution, batch norm, leaky ReLU, dropout), where the text has dropout first; three
outputs after global average pooling need the table's dense layer, which the text leaves out.
"""

from torch import Tensor, nn

from mien.models.layers import (
    LEAK,
    SameConv2d,
    SameDeconvolution,
    batch_norm,
    initialise,
)


class Regression64Generator(nn.Module):
    """Noise (N, 100) in [-1, 1] to images (N, 3, 64, 64) in [-1, 1], after DCGAN."""

    image_size = 64

    def __init__(self, noise: int = 100) -> None:
        super().__init__()
        self.noise = noise
        self.project = nn.Linear(noise, 4 * 4 * 512)
        self.layers = nn.Sequential(
            batch_norm(512),
            nn.ReLU(),
            SameDeconvolution(512, 256, 5),
            batch_norm(256),
            nn.ReLU(),
            SameDeconvolution(256, 128, 5),
            batch_norm(128),
            nn.ReLU(),
            SameDeconvolution(128, 64, 5),
            batch_norm(64),
            nn.ReLU(),
            SameDeconvolution(64, 3, 5),
            nn.Tanh(),
        )
        initialise(self)

    def forward(self, noise: Tensor) -> Tensor:
        """Map (N, noise) to (N, 3, 64, 64)."""
        images: Tensor = self.layers(self.project(noise).view(-1, 512, 4, 4))
        return images


class Regression64Discriminator(nn.Module):
    """Table 4.1: images (N, 3, 64, 64) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 64

    def __init__(self, outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            SameConv2d(3, 64, kernel=5, stride=2),
            nn.LeakyReLU(LEAK),
            nn.Dropout(dropout),
            SameConv2d(64, 128, kernel=5, stride=2),
            batch_norm(128),
            nn.LeakyReLU(LEAK),
            nn.Dropout(dropout),
            SameConv2d(128, 256, kernel=5, stride=2),
            batch_norm(256),
            nn.LeakyReLU(LEAK),
            nn.Dropout(dropout),
            SameConv2d(256, 512, kernel=5, stride=2),
            batch_norm(512),
            nn.LeakyReLU(LEAK),
            nn.Dropout(dropout),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(512, outputs)
        initialise(self)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 512), the global average pooling."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, 64, 64) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs
