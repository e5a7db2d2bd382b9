"""CNN-M (Chatfield et al. 2014; benroumpi-2018, figure 4.3): what its GAN is compared with.

Input size and activation are not stated: 64 px, as the GAN's, and ReLU.
"""

from torch import Tensor, nn

from mien.models.layers import SameConv2d, batch_norm, initialise


class CnnM64(nn.Module):
    """Images (N, 3, 64, 64) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 64

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 96, 7, stride=2),
            batch_norm(96),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            SameConv2d(96, 256, kernel=5, stride=2),
            batch_norm(256),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
            SameConv2d(256, 512, kernel=3, stride=1),
            batch_norm(512),
            nn.ReLU(),
            SameConv2d(512, 512, kernel=3, stride=1),
            batch_norm(512),
            nn.ReLU(),
            SameConv2d(512, 512, kernel=3, stride=1),
            batch_norm(512),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Flatten(),
            nn.Linear(2 * 2 * 512, 4096),
            nn.ReLU(),
        )
        self.head = nn.Linear(4096, outputs)
        initialise(self, fan_in=True)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 4096), what the last layer sees."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, 64, 64) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs
