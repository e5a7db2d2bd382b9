"""Configuration 1 at 32 x 32 (kollias-2018, Tables V and VI), after SSGAN.

Table V says 'SAME', which would end at 8 px; with 'VALID', as in au-va-thesis's Table 3.11, the
same kernels and strides give the stated 32 px: 1 -> 2 -> 6 -> 14 -> 32.
"""

from torch import Tensor, nn

from mien.models.layers import LEAK, SameConv2d, batch_norm, initialise, valid_deconvolution


class Config1Generator(nn.Module):
    """Table V: noise (N, 100) in [-1, 1] to images (N, 3, 32, 32) in [-1, 1]."""

    image_size = 32

    def __init__(self, noise: int = 100) -> None:
        super().__init__()
        self.noise = noise
        self.layers = nn.Sequential(
            valid_deconvolution(noise, 384, kernel=2, stride=1),
            batch_norm(384),
            nn.ReLU(),
            valid_deconvolution(384, 128, kernel=4, stride=2),
            batch_norm(128),
            nn.ReLU(),
            valid_deconvolution(128, 64, kernel=4, stride=2),
            batch_norm(64),
            nn.ReLU(),
            valid_deconvolution(64, 3, kernel=6, stride=2),
            nn.Tanh(),
        )
        initialise(self)

    def forward(self, noise: Tensor) -> Tensor:
        """Map (N, noise) to (N, 3, 32, 32)."""
        images: Tensor = self.layers(noise[:, :, None, None])
        return images


class Config1Discriminator(nn.Module):
    """Table VI: images (N, 3, 32, 32) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 32

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            SameConv2d(3, 64, kernel=5, stride=2),
            batch_norm(64),
            nn.LeakyReLU(LEAK),
            SameConv2d(64, 128, kernel=5, stride=2),
            batch_norm(128),
            nn.LeakyReLU(LEAK),
            SameConv2d(128, 256, kernel=5, stride=2),
            batch_norm(256),
            nn.LeakyReLU(LEAK),
            nn.Flatten(),
        )
        self.head = nn.Linear(256 * 4 * 4, outputs)
        initialise(self)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 4096), what the last layer sees."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, 32, 32) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs
