"""The categorical GAN at 28 x 28 (au-va-thesis, Tables 3.10 and 3.11).

Activation comes before normalisation in both networks. Table 3.11 lists a 4 x 4 kernel for the
second deconvolution, which ends at 32 px; the stated 28 px image needs 3 x 3 there, as the code the
thesis builds on has it: 1 -> 2 -> 5 -> 12 -> 28.
"""

from torch import Tensor, nn

from mien.models.layers import LEAK, SameConv2d, batch_norm, initialise, valid_deconvolution


class Categorical28Generator(nn.Module):
    """Table 3.11: noise (N, 100) in [-1, 1] to images (N, 3, 28, 28) in [-1, 1]."""

    image_size = 28

    def __init__(self, noise: int = 100) -> None:
        super().__init__()
        self.noise = noise
        self.layers = nn.Sequential(
            valid_deconvolution(noise, 384, kernel=2, stride=1),
            nn.LeakyReLU(LEAK),
            batch_norm(384),
            valid_deconvolution(384, 128, kernel=3, stride=2),
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
        """Map (N, noise) to (N, 3, 28, 28)."""
        images: Tensor = self.layers(noise[:, :, None, None])
        return images


class Categorical28Discriminator(nn.Module):
    """Table 3.10: images (N, 3, 28, 28) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 28

    def __init__(self, outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            SameConv2d(3, 64, kernel=5, stride=2),
            nn.LeakyReLU(LEAK),
            batch_norm(64),
            nn.Dropout(dropout),
            SameConv2d(64, 128, kernel=5, stride=2),
            nn.LeakyReLU(LEAK),
            batch_norm(128),
            nn.Dropout(dropout),
            SameConv2d(128, 256, kernel=5, stride=2),
            nn.LeakyReLU(LEAK),
            batch_norm(256),
            nn.Dropout(dropout),
            nn.Flatten(),
        )
        self.head = nn.Linear(256 * 4 * 4, outputs)
        initialise(self)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 4096), what the last layer sees."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, 28, 28) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs
