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
    """mirror, upside_down: half of the images. shift: pixels, at most, each way.

    crop: pixels that the image is enlarged by (bilinear) before a random square of the old size is
    cut from it: 14 of 96 is the documents' 96 to 110 to 96 (au-va-thesis, section 2.4.4).
    light: brightness moves by up to this share of the range, contrast by this factor either way.
    brightness: the same without contrast. saturation: distance from grey, by this factor.
    rotate: degrees, at most, each way. zoom: scale, at most this factor larger or smaller. blur:
    share of the images that are averaged over 3 x 3 pixels. noise: deviation of what is added, in
    the range of 2, at most. erase: share of the images that lose a square of a third of the side.
    """

    mirror: bool = False
    upside_down: bool = False
    shift: int = 0
    crop: int = 0
    light: float = 0.0
    brightness: float = 0.0
    saturation: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    erase: float = 0.0

    def __call__(self, images: Tensor) -> Tensor:
        """Change images (N, C, S, S) in [-1, 1], each by its own draw of torch's generator."""
        if self.mirror:
            turned = (torch.rand(len(images), 1, 1, 1) < 0.5).to(images.device)
            images = torch.where(turned, images.flip(3), images)
        if self.upside_down:
            turned = (torch.rand(len(images), 1, 1, 1) < 0.5).to(images.device)
            images = torch.where(turned, images.flip(2), images)
        images = self._lit(images)
        if self.crop:
            images = _cropped(images, self.crop)
        if self.rotate or self.zoom:
            images = _turned(images, self.rotate, self.zoom)
        if self.shift:
            images = _shifted(images, self.shift)
        return self._spoiled(images)

    def _lit(self, images: Tensor) -> Tensor:
        """Brightness, contrast and saturation: what changes colours without moving them."""
        if self.light:
            drawn = torch.rand(2, len(images), 1, 1, 1).to(images.device)
            brighter, sharper = (drawn * 2 - 1) * self.light
            middle = images.mean((1, 2, 3), keepdim=True)
            images = (images - middle) * (1 + sharper) + middle + brighter
        if self.brightness:
            drawn = torch.rand(len(images), 1, 1, 1).to(images.device)
            images = images + (drawn * 2 - 1) * self.brightness
        if self.saturation and images.shape[1] == 3:
            drawn = torch.rand(len(images), 1, 1, 1).to(images.device)
            grey = images.mean(1, keepdim=True)
            images = grey + (images - grey) * (1 + (drawn * 2 - 1) * self.saturation)
        return images

    def _spoiled(self, images: Tensor) -> Tensor:
        """Blur, noise and erasing: what spoils pictures without moving them."""
        count, device = len(images), images.device
        if self.blur:
            chosen = (torch.rand(count, 1, 1, 1) < self.blur).to(device)
            padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
            images = torch.where(chosen, F.avg_pool2d(padded, 3, 1), images)
        if self.noise:
            deviation = (torch.rand(count, 1, 1, 1) * self.noise).to(device)
            images = images + deviation * torch.randn(images.shape).to(device)
        if self.erase:
            side = images.shape[3] // 3
            chosen = torch.rand(count, 1, 1, 1) < self.erase
            first = torch.randint(0, images.shape[3] - side + 1, (2, count, 1, 1, 1))
            place = torch.arange(images.shape[3])
            down, right = ((place >= f) & (place < f + side) for f in first)
            hidden = (chosen & down.transpose(2, 3) & right).to(device)
            images = torch.where(hidden, 0.0, images)
        return images


def _turned(images: Tensor, degrees: float, zoom: float) -> Tensor:
    """Rotate and scale each image about its middle; what comes in repeats the edge."""
    count = len(images)
    drawn = torch.rand(2, count) * 2 - 1
    angle, factor = torch.deg2rad(drawn[0] * degrees), (1 + zoom) ** -drawn[1]
    across, along = factor * torch.cos(angle), factor * torch.sin(angle)
    nought = torch.zeros(count)
    rows = (torch.stack([across, -along, nought], 1), torch.stack([along, across, nought], 1))
    turn = torch.stack(rows, 1).to(images.device)
    grid = F.affine_grid(turn, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _cropped(images: Tensor, more: int) -> Tensor:
    """Enlarge by `more` pixels and cut a square of the old size from each, where it falls."""
    count, _, side, _ = images.shape
    larger = F.interpolate(images, side + more, mode="bilinear", align_corners=False)
    down, right = torch.randint(0, more + 1, (2, count, 1)).to(images.device)
    places = torch.arange(side, device=images.device)
    rows, columns = (down + places)[:, :, None], (right + places)[:, None]
    number = torch.arange(count, device=images.device)[:, None, None]
    return larger.permute(0, 2, 3, 1)[number, rows, columns].permute(0, 3, 1, 2)


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
