"""What an image goes through before a network sees it. It travels with the weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey."""
INTERPOLATIONS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


@dataclass(frozen=True)
class Preprocessing:
    """How crops are cut and turned into numbers.

    size: side in pixels. margin: room on each side of the face's box, as a share of its longer
    side; None where the training pictures were cut by somebody else. channels: 3 (RGB) or 1 (grey).
    mean, std: a channel's value is (byte / 255 - mean) / std; 0.5 and 0.5 give [-1, 1].
    interpolation: a key of `INTERPOLATIONS`. window: frames seen together; 1 for single images.
    landmarks: of a face, in the crop, that the network takes beside it; 0 of most.
    """

    size: int
    margin: float | None = None
    channels: int = 3
    mean: float = 0.5
    std: float = 0.5
    interpolation: str = "bicubic"
    window: int = 1
    landmarks: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back; landmarks only where there are any."""
        values = asdict(self)
        if not self.landmarks:
            del values["landmarks"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Preprocessing":
        """Read back `to_dict`; TypeError for keys of another version."""
        return cls(**values)

    def fit(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize one RGB crop (H, W, 3) to (size, size, 3), antialiased."""
        if crop.shape[:2] == (self.size, self.size):
            return crop
        way = INTERPOLATIONS[self.interpolation]
        return np.array(Image.fromarray(crop).resize((self.size, self.size), way))

    def batch(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn RGB bytes (N, size, size, 3) into float32 (N, channels, size, size).

        Raises InputError for crops of another size or type.
        """
        if crops.dtype != np.uint8 or crops.shape[1:] != (self.size, self.size, 3):
            raise InputError(
                f"crops are {crops.dtype} {crops.shape}; this model takes RGB bytes, uint8 "
                f"(N, {self.size}, {self.size}, 3)"
            )
        values = crops.astype(np.float32)
        if self.channels == 1:
            values = (values @ np.array(GREY, np.float32))[..., None]
        values = (values * np.float32(1 / 255) - np.float32(self.mean)) * np.float32(1 / self.std)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2))
