"""Random changes of every image that a network trains on, real and generated alike.

Changing real images alone teaches the generator to make changed ones; changing both, through
operations that gradients pass, does not (Zhao et al. 2020, "Differentiable Augmentation for
Data-Efficient GAN Training"). Labels hold for a mirrored face: units are of the stronger side.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augmentation:
    """mirror: half of the images. shift: pixels, at most, each way. light: brightness and contrast.

    light: brightness moves by up to this share of the range, contrast by this factor either way.
    """

    mirror: bool = False
    shift: int = 0
    light: float = 0.0

    def __call__(self, images: Tensor) -> Tensor:
        """Change images (N, C, S, S) in [-1, 1], each by its own draw of torch's generator."""
        if self.mirror:
            turned = (torch.rand(len(images), 1, 1, 1) < 0.5).to(images.device)
            images = torch.where(turned, images.flip(3), images)
        if self.light:
            drawn = torch.rand(2, len(images), 1, 1, 1).to(images.device)
            brighter, sharper = (drawn * 2 - 1) * self.light
            middle = images.mean((1, 2, 3), keepdim=True)
            images = (images - middle) * (1 + sharper) + middle + brighter
        return _shifted(images, self.shift) if self.shift else images


def _shifted(images: Tensor, most: int) -> Tensor:
    """Move each image by up to `most` pixels; what comes in repeats the edge."""
    count, _, height, width = images.shape
    device = images.device
    down, right = torch.randint(0, 2 * most + 1, (2, count, 1)).to(device)
    rows = (down + torch.arange(height, device=device))[:, :, None]
    columns = (right + torch.arange(width, device=device))[:, None]
    padded = F.pad(images, (most, most, most, most), mode="replicate")
    number = torch.arange(count, device=device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[number, rows, columns].permute(0, 3, 1, 2)
