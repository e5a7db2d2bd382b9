"""Convolution into time (Ji et al. 2013), which bartissol-2017 proposes, section 6.2.2, Figure 17.

layer     filters, over time x place  at 7 frames of 64 px
conv 1    16 of 3 x 7 x 7             5 x 58
max pool  2 x 2                       5 x 29
conv 2    32 of 3 x 7 x 7             3 x 23
max pool  3 x 3                       3 x 7
conv 3    128 of 3 x 7 x 7            1 x 1
fc        the outputs

The document prints no layer. Kernels, pools and the 128 maps at the end are Ji et al.'s, of seven
frames of 60 x 40 px, on square faces. What is mien's: colour instead of their grey, gradients and
flow, the number of maps before the last, the largest value for their mean, ReLU.
"""

from torch import Tensor, nn

from mien.models.layers import initialise

MAPS = (16, 32, 128)


class Cnn3d(nn.Module):
    """Windows (N, 7, 3, 64, 64) in [-1, 1] to raw outputs (N, outputs), of the middle frame."""

    image_size = 64
    frames = 7
    widths = (MAPS[-1],)

    def __init__(self, outputs: int) -> None:
        super().__init__()
        first, second, third = MAPS
        self.layers = nn.Sequential(
            nn.Conv3d(3, first, (3, 7, 7)),
            nn.ReLU(),
            nn.MaxPool3d((1, 2, 2)),
            nn.Conv3d(first, second, (3, 7, 7)),
            nn.ReLU(),
            nn.MaxPool3d((1, 3, 3)),
            nn.Conv3d(second, third, (3, 7, 7)),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.head = nn.Linear(third, outputs)
        initialise(self, fan_in=True)

    def features(self, windows: Tensor, layer: int = 1) -> Tensor:
        """Map windows to (N, 128)."""
        found: Tensor = self.layers(windows.transpose(1, 2))
        return found

    def forward(self, windows: Tensor) -> Tensor:
        """Map (N, 7, 3, 64, 64) to (N, outputs)."""
        outputs: Tensor = self.head(self.features(windows))
        return outputs
