"""The networks of the talk (kolbenschlag-2020) at 32 x 32: plain and conditional, discriminator and
critic.

The talk names no layer, resolution or rate. These are the usual ones of what it cites: DCGAN
bodies, the label as an embedding of 50 numbers that becomes noise for the generator and one more
channel for the discriminator, and a critic without batch norm, which a gradient penalty rules out.
"""

import torch
from torch import Tensor, nn

from mien.models.layers import LEAK, SameConv2d, SameDeconvolution, batch_norm, initialise

SIDE, EMBEDDING = 32, 50


class TalkGenerator(nn.Module):
    """Noise (N, 100) in [-1, 1] to images (N, 3, 32, 32) in [-1, 1]."""

    image_size = SIDE

    def __init__(self, noise: int = 100, extra: int = 0) -> None:
        super().__init__()
        self.noise = noise
        self.project = nn.Linear(noise + extra, 4 * 4 * 256)
        self.layers = nn.Sequential(
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
        """Map (N, noise) to (N, 3, 32, 32)."""
        images: Tensor = self.layers(self.project(noise).view(-1, 256, 4, 4))
        return images


class TalkConditionalGenerator(nn.Module):
    """Noise (N, 100) and a class (N,) to images (N, 3, 32, 32) in [-1, 1]."""

    image_size = SIDE
    conditional = True

    def __init__(self, classes: int, noise: int = 100) -> None:
        super().__init__()
        self.noise, self.classes = noise, classes
        self.embedding = nn.Embedding(classes, EMBEDDING)
        self.body = TalkGenerator(noise, EMBEDDING)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Map (N, noise) and (N,) to (N, 3, 32, 32)."""
        images: Tensor = self.body(torch.cat([noise, self.embedding(label)], dim=1))
        return images


class TalkDiscriminator(nn.Module):
    """Images (N, 3, 32, 32) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = SIDE

    def __init__(self, outputs: int, extra: int = 0, norm: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, width in ((3 + extra, 64), (64, 128), (128, 256)):
            layers.append(SameConv2d(inputs, width, kernel=5, stride=2))
            layers += [batch_norm(width)] if norm and inputs == width // 2 else []
            layers.append(nn.LeakyReLU(LEAK))
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


class TalkCritic(TalkDiscriminator):
    """The same without batch norm: scores have no bounds."""

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs, norm=False)


class TalkConditionalDiscriminator(nn.Module):
    """Images (N, 3, 32, 32) and a class (N,) to (N, outputs); without a class, the channel is 0."""

    image_size = SIDE
    conditional = True

    def __init__(self, outputs: int, classes: int, norm: bool = True) -> None:
        super().__init__()
        self.classes = classes
        self.embedding = nn.Sequential(
            nn.Embedding(classes, EMBEDDING), nn.Linear(EMBEDDING, SIDE * SIDE)
        )
        self.body = TalkDiscriminator(outputs, extra=1, norm=norm)

    def _with_label(self, images: Tensor, label: Tensor | None) -> Tensor:
        if label is None:
            plane = images.new_zeros(images.shape[0], 1, SIDE, SIDE)
        else:
            plane = self.embedding(label).view(-1, 1, SIDE, SIDE).to(images.dtype)
        return torch.cat([images, plane], dim=1)

    def features(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Map images to (N, 4096), what the last layer sees."""
        found: Tensor = self.body.features(self._with_label(images, label))
        return found

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Map (N, 3, 32, 32) and (N,) to (N, outputs)."""
        outputs: Tensor = self.body(self._with_label(images, label))
        return outputs


class TalkConditionalCritic(TalkConditionalDiscriminator):
    """The same without batch norm: a critic that takes the class."""

    def __init__(self, outputs: int, classes: int) -> None:
        super().__init__(outputs, classes, norm=False)
