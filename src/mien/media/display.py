"""How a stored picture is to be shown: turned, mirrored, with square pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_MATRIX = "DISPLAYMATRIX"
_SQUARE = 0.01
"""Pixel aspect ratios this near to 1 are rounding, not squeezing."""
_WIDEST = 8.0
"""A pixel aspect ratio beyond 8:1 or 1:8 is taken for damage: the pixels count as square."""


@dataclass(frozen=True)
class Display:
    """From stored pixels to the picture shown: first transpose, then mirror, then stretch.

    transpose: rows become columns. mirror_x, mirror_y: left and right, top and bottom change
    sides, after transposing. pixel_aspect: width of a shown pixel by its height, before stretching.
    """

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False
    pixel_aspect: float = 1.0

    def upright_size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) in the file's own pixels, upright."""
        return (height, width) if self.transpose else (width, height)

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) as shown: upright, square pixels; no side shrinks."""
        width, height = self.upright_size(width, height)
        return (
            round(width * max(1.0, self.pixel_aspect)),
            round(height * max(1.0, 1 / self.pixel_aspect)),
        )

    def upright(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn and mirror an image (H, W, 3); its pixels keep their shape."""
        if self.transpose:
            image = image.swapaxes(0, 1)
        if self.mirror_x:
            image = image[:, ::-1]
        if self.mirror_y:
            image = image[::-1]
        return np.ascontiguousarray(image)


UPRIGHT = Display()

Matrix = tuple[float, float, float, float]
"""(a, b, c, d): a stored point (x, y) is shown at (a x + c y, b x + d y)."""
_PLAIN: Matrix = (1.0, 0.0, 0.0, 1.0)


def display_of(matrix: Matrix | None, pixel_aspect: float | None) -> Display:
    """Return how a frame is to be shown, mirroring included.

    matrix: None for none; angles between the right angles go to the nearest one.
    pixel_aspect: width of a stored pixel by its height; None where the file does not say.
    """
    a, b, c, d = matrix or _PLAIN
    transpose = abs(b) + abs(c) > abs(a) + abs(d)
    mirror_x, mirror_y = (c < 0, b < 0) if transpose else (a < 0, d < 0)
    aspect = pixel_aspect or 1.0
    if abs(aspect - 1) < _SQUARE or not 1 / _WIDEST <= aspect <= _WIDEST:
        aspect = 1.0
    return Display(transpose, mirror_x, mirror_y, 1 / aspect if transpose else aspect)


def matrix_of(frame: VideoFrame) -> Matrix | None:
    """Read a frame's display matrix, from the container or from the stream itself (SEI).

    None where the frame has none: one in the stream comes with its first frame alone, or with some,
    and holds for those that follow.
    """
    try:
        data: Any = frame.side_data.get(_MATRIX)
    except Exception:  # a kind of side data that PyAV has no name for hides the others
        turn = np.deg2rad(frame.rotation)
        return None if turn == 0 else _turned(turn)
    if data is None or data.buffer_size < 36:
        return None
    values = np.frombuffer(bytes(data), np.int32)[:5] / 65536
    if not values[[0, 1, 3, 4]].any():
        return _PLAIN
    return float(values[0]), float(values[1]), float(values[3]), float(values[4])


def _turned(turn: float) -> Matrix:
    return float(np.cos(turn)), -float(np.sin(turn)), float(np.sin(turn)), float(np.cos(turn))
