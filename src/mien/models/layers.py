"""Layers that the documents' TensorFlow code had and torch has not, and their initialisation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import InputError

LEAK = 0.2
"""Slope of every leaky ReLU (kollias-2018, section IV-C).

au-va-thesis prints 0.54x + 0.4|x|, slopes of 0.94 and 0.14: read as 0.6x + 0.4|x|, TensorFlow's way
to write this one.
"""

BATCH_NORM_MOMENTUM = 0.1
"""Share of the new batch in the running statistics: TensorFlow's decay of 0.9."""


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's 'SAME' padding: output size = ceil(input size / stride).

    Where the padding is odd, the extra pixel goes to the right and bottom.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, bias: bool = True
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        top, bottom = self._padding(x.shape[2], 0)
        left, right = self._padding(x.shape[3], 1)
        if (top, left) == (bottom, right):
            return F.conv2d(x, self.weight, self.bias, self.stride, (top, left))
        return super().forward(F.pad(x, (left, right, top, bottom)))

    def _padding(self, size: int, axis: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[axis], self.stride[axis]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


def valid_deconvolution(
    channels_in: int, channels_out: int, kernel: int, stride: int
) -> nn.ConvTranspose2d:
    """Transposed convolution, TensorFlow's 'VALID': output size = (input - 1) stride + kernel."""
    return nn.ConvTranspose2d(channels_in, channels_out, kernel, stride)


class SameDeconvolution(nn.ConvTranspose2d):
    """Transposed convolution of stride 2 with TensorFlow's 'SAME' padding: twice the input's size.

    TensorFlow crops kernel - 2 rows of the full result, the smaller half before.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__(channels_in, channels_out, kernel, 2, padding=(kernel - 3) // 2)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (N, in, H, W) to (N, out, 2 H, 2 W)."""
        return super().forward(x, output_size)[:, :, :-1, :-1]


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with the documents' decay."""
    return nn.BatchNorm2d(channels, momentum=BATCH_NORM_MOMENTUM)


@torch.no_grad()
def initialise(network: nn.Module, fan_in: bool = False) -> None:
    """Truncated normal weights (deviation 0.02, cut at two deviations) and zero biases.

    As the code that the documents build on has it; batch norm keeps scale 1 and shift 0. fan_in:
    for bodies of other origin, He et al. 2015 instead.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.Linear):
            if fan_in:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            else:
                nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class SameMaxPool2d(nn.MaxPool2d):
    """Maximum with TensorFlow's 'SAME' padding: output size = ceil(input size / stride)."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__(kernel, stride)
        self._kernel, self._stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, ceil(H / stride), ceil(W / stride))."""
        above, below = self._padding(x.shape[2])
        left, right = self._padding(x.shape[3])
        if above == below == left == right:
            return F.max_pool2d(x, self._kernel, self._stride, above)
        padded = F.pad(x, (left, right, above, below), value=float("-inf"))
        return F.max_pool2d(padded, self._kernel, self._stride)

    def _padding(self, size: int) -> tuple[int, int]:
        total = max((-(-size // self._stride) - 1) * self._stride + self._kernel - size, 0)
        return total // 2, total - total // 2


class InputRange(nn.Module):
    """From the [-1, 1] of mien to what given weights were trained on, channel by channel.

    It is fixed, not trained, and kept with the weights; of a network from random weights it changes
    nothing. As a layer, it is exact where a convolution pads with zeros, too.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("shift", torch.zeros(channels))

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) in [-1, 1] to the same shape."""
        return images * self.scale[:, None, None] + self.shift[:, None, None]


def check_side(name: str, image_size: int, least: int = 32, step: int = 1) -> int:
    """Return a side in pixels that a network works at; InputError for another."""
    if image_size < least or image_size % step:
        parts = f", in steps of {step}" if step > 1 else ""
        raise InputError(
            f"image_size {image_size} does not fit {name}, which is for {least} px or more{parts}"
        )
    return image_size
