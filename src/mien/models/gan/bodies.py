"""Larger bodies for the same heads, as both theses wish for: VGG-like, ResNet-like.

One class per image size, so that a checkpoint's name says all. Widths are a quarter of the
originals' (Simonyan and Zisserman 2015, configuration A; He et al. 2016, ResNet-18): a processor
trains them.
"""

from torch import Tensor, nn

from mien.models.layers import batch_norm, initialise

WIDTHS = (32, 64, 128, 256)


class _Body(nn.Module):
    """A stack that halves the image four times, global average pooling, one dense layer."""

    def __init__(self, outputs: int, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers
        self.head = nn.Linear(WIDTHS[-1], outputs)
        initialise(self, fan_in=True)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 256), the global average pooling."""
        found: Tensor = self.layers(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, S, S) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs


class VggDiscriminator64(_Body):
    """Pairs of 3 x 3 convolutions, max pooling between them; 64 px."""

    image_size = 64

    def __init__(self, outputs: int) -> None:
        layers: list[nn.Module] = []
        inputs = 3
        for width in WIDTHS:
            for _ in range(2):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), batch_norm(width), nn.ReLU()]
                inputs = width
            layers.append(nn.MaxPool2d(2))
        super().__init__(outputs, nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()))


class VggDiscriminator96(VggDiscriminator64):
    """The same for 96 px."""

    image_size = 96


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al. 2016, figure 5, left)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False),
            batch_norm(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            batch_norm(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != width:
            convolution = nn.Conv2d(inputs, width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, batch_norm(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, width, H / stride, W / stride)."""
        return nn.functional.relu(self.layers(x) + self.shortcut(x))


class ResNetDiscriminator64(_Body):
    """Eight residual blocks after a strided convolution; 64 px."""

    image_size = 64

    def __init__(self, outputs: int) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(3, WIDTHS[0], 3, 2, padding=1, bias=False),
            batch_norm(WIDTHS[0]),
            nn.ReLU(),
        ]
        inputs = WIDTHS[0]
        for width in WIDTHS:
            stride = 1 if width == WIDTHS[0] else 2
            layers += [Residual(inputs, width, stride), Residual(width, width, 1)]
            inputs = width
        super().__init__(outputs, nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()))


class ResNetDiscriminator96(ResNetDiscriminator64):
    """The same for 96 px."""

    image_size = 96
