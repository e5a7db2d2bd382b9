"""CNN-BLSTM with binary masks, the winner of FERA 2015 (au-va-thesis, section 2.4.4).

layer                                 units
image stream                          32 of 5 x 5 x (2n + 1), max pooling 3 x 3 x 1
mask stream                           the same, on the binary masks
convolution of both                   64 of 5 x 5 x 64
convolution                           128 of 4 x 4 x 64
fully connected                       3072, dropout 0.2
BLSTM                                 one layer of 300
output

Every convolution has a ReLU. Difference coding: of the 2n + 1 frames around the present one, all
but that are taken minus it.

What the text does not determine, and the reading here: the image size (48 px), n (2), the padding
(none, as 5 x 5 x 64 and 4 x 4 x 64 then are the whole kernels), colour (grey: a filter's depth is
the number of frames alone), the BLSTM's 300 (each way), whether it trained in two stages (here end
to end). Two units per Action Unit, present and absent, are one logit here. **Its masks follow
tracked landmarks; a recogniser is given crops alone, so the mask here is one region of the crop,
the same in all frames:** its stream says where the region is, not how it moves.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mien.errors import unknown_name
from mien.models.layers import initialise
from mien.models.sequences.base import SequenceNetwork, neighbours
from mien.models.sequences.recurrent import Recurrent

REGIONS = {"face": (0.0, 0.0, 1.0, 1.0), "eyes": (0.05, 0.1, 0.95, 0.55),
           "mouth": (0.15, 0.55, 0.85, 1.0)}  # fmt: skip
"""Boxes (left, top, right, bottom) of the crop that an inscribed ellipse's mask is in."""


class FeraMaskBlstm(SequenceNetwork):
    """Grey frames of tracks, whole windows of them, to raw outputs."""

    image_size = 48
    channels = 1
    streams = False
    mask: Tensor

    def __init__(
        self,
        outputs: int,
        reach: int = 2,
        region: str = "face",
        layers: Sequence[int] = (300,),
        dropout: float = 0.2,
    ) -> None:
        """reach: the text's n. region: a key of `REGIONS`; InputError for another."""
        super().__init__()
        if region not in REGIONS:
            raise unknown_name("region", region, REGIONS)
        self.reach = reach
        depth = 2 * reach + 1
        self.register_buffer("mask", ellipse(self.image_size, REGIONS[region]), persistent=False)
        self.image_stream = _stream(depth)
        self.mask_stream = _stream(depth)
        self.layers = nn.Sequential(
            nn.Conv2d(64, 64, 5),
            nn.ReLU(),
            nn.Conv2d(64, 128, 4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(128 * 7 * 7, 3072),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        initialise(self, fan_in=True)
        self.recurrent = Recurrent(3072, layers, "lstm", bidirectional=True)
        self.head = nn.Linear(self.recurrent.width, outputs)

    def describe(self, images: Tensor, lengths: Tensor | None) -> Tensor:
        """Map frames (M, 1, 48, 48) and their neighbours in time to (M, 3072)."""
        offsets = range(-self.reach, self.reach + 1)
        around = images[:, 0][neighbours(lengths, len(images), offsets, images.device)]
        mask = self.mask.to(images.dtype)
        masks = mask.expand(1, around.shape[1], -1, -1)
        seen = self.image_stream(differences(around * mask))
        where = self.mask_stream(differences(masks)).expand(len(images), -1, -1, -1)
        found: Tensor = self.layers(torch.cat([seen, where], 1))
        return found

    def follow(
        self, features: Tensor, lengths: Tensor | None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map features to raw outputs (M, outputs) and no state (`SequenceNetwork`)."""
        found, state = self.recurrent(features, lengths)
        return self.head(found), state


def _stream(depth: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(depth, 32, 5), nn.ReLU(), nn.MaxPool2d(3))


def differences(around: Tensor) -> Tensor:
    """Take all of (M, 2n + 1, S, S) but the middle one minus it."""
    middle = around.shape[1] // 2
    present = around[:, middle : middle + 1]
    before, after = around[:, :middle] - present, around[:, middle + 1 :] - present
    return torch.cat([before, present, after], 1)


def ellipse(size: int, box: tuple[float, float, float, float]) -> Tensor:
    """Return a mask (size, size), 1 inside the ellipse that fills a box, given in shares."""
    left, top, right, bottom = box
    at = (torch.arange(size) + 0.5) / size
    x = (at - (left + right) / 2) / ((right - left) / 2)
    y = (at - (top + bottom) / 2) / ((bottom - top) / 2)
    return (x[None] ** 2 + y[:, None] ** 2 <= 1).float()
