"""Images between bytes and the tensors that networks take."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.recognition.preprocessing import GREY

_GREY = torch.tensor(GREY) / 127.5
"""Weights of red, green and blue in grey, from bytes to 0 to 2."""


def to_network(pixels: NDArray[np.uint8], channels: int = 3) -> Tensor:
    """Turn RGB bytes (N, H, W, 3) into float32 (N, channels, H, W) in [-1, 1]; 1 channel: grey."""
    if channels == 1:
        grey = torch.from_numpy(pixels.reshape(-1, 3)).float() @ _GREY
        return grey.sub_(1).view(len(pixels), 1, *pixels.shape[1:3])
    return torch.from_numpy(pixels).float().div_(127.5).sub_(1).permute(0, 3, 1, 2)


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """Turn float (N, 3 or 1, H, W) in [-1, 1] into RGB bytes (N, H, W, 3)."""
    levels = (
        images.detach()
        .cpu()
        .expand(-1, 3, -1, -1)
        .float()
        .add(1)
        .mul(127.5)
        .round()
        .clamp(0, 255)
        .to(torch.uint8)
    )
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).numpy())
