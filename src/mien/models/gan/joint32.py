"""Configuration 1 (kollias-2018) in au-va-thesis's order: activation, batch norm, dropout; for
joint-32.

The kernels, strides and sizes are those of Tables V and VI. With batch norm before the activation
and no dropout the joint discriminator soon knows every fake, and the generator is left with one
face for more than a thousand steps (docs/joint.md); in this order it makes many within two hundred.
"""

from torch import Tensor, nn

from mien.models.layers import LEAK, SameConv2d, batch_norm, initialise, valid_deconvolution


class Joint32Generator(nn.Module):
    """Noise (N, 100) in [-1, 1] to images (N, 3, 32, 32) in [-1, 1]."""

    image_size = 32

    def __init__(self, noise: int = 100) -> None:
        super().__init__()
        self.noise = noise
        self.layers = nn.Sequential(
            valid_deconvolution(noise, 384, kernel=2, stride=1),
            nn.LeakyReLU(LEAK),
            batch_norm(384),
            valid_deconvolution(384, 128, kernel=4, stride=2),
            nn.LeakyReLU(LEAK),
            batch_norm(128),
            valid_deconvolution(128, 64, kernel=4, stride=2),
            nn.LeakyReLU(LEAK),
            batch_norm(64),
            valid_deconvolution(64, 3, kernel=6, stride=2),
            nn.Tanh(),
        )
        initialise(self)

    def forward(self, noise: Tensor) -> Tensor:
        """Map (N, noise) to (N, 3, 32, 32)."""
        images: Tensor = self.layers(noise[:, :, None, None])
        return images


class Joint32Discriminator(nn.Module):
    """Images (N, 3, 32, 32) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 32

    def __init__(self, outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, width in ((3, 64), (64, 128), (128, 256)):
            layers += [
                SameConv2d(inputs, width, kernel=5, stride=2),
                nn.LeakyReLU(LEAK),
                batch_norm(width),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers, nn.Flatten())
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
