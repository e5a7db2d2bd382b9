"""The vanilla GAN (au-va-thesis, section 3.2.1, Table 3.9): two dense layers each, 28 x 28, grey.

The document's images are in [0, 1] and its discriminator's output is the probability of *real*.
Here images are in [-1, 1] and the output is the logit of *fake*, as everywhere in mien: the
generator's sigmoid is stretched, the discriminator's input shrunk back, and the sign is a matter of
naming.
"""

import torch
from torch import Tensor, nn

SIDE = 28


class VanillaGenerator(nn.Module):
    """Noise (N, 100) in [-1, 1] to grey images (N, 1, 28, 28) in [-1, 1]."""

    image_size = SIDE
    channels = 1

    def __init__(self, noise: int = 100) -> None:
        super().__init__()
        self.noise = noise
        self.layers = nn.Sequential(
            nn.Linear(noise, 128), nn.ReLU(), nn.Linear(128, SIDE * SIDE), nn.Sigmoid()
        )
        _xavier(self)

    def forward(self, noise: Tensor) -> Tensor:
        """Map (N, noise) to (N, 1, 28, 28)."""
        images: Tensor = self.layers(noise) * 2 - 1
        return images.view(-1, 1, SIDE, SIDE)


class VanillaDiscriminator(nn.Module):
    """Grey images (N, 1, 28, 28) in [-1, 1] to the logit of being fake (N, 1)."""

    image_size = SIDE
    channels = 1

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 128), nn.ReLU())
        self.head = nn.Linear(128, outputs)
        _xavier(self)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 128), what the last layer sees."""
        found: Tensor = self.hidden((images + 1) / 2)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, 28, 28) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs


@torch.no_grad()
def _xavier(network: nn.Module) -> None:
    """The document's Xavier: normal of deviation 1 / sqrt(inputs / 2), zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=(2 / module.in_features) ** 0.5)
            nn.init.zeros_(module.bias)
