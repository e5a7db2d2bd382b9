"""Cut a square around a face."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MARGIN = 0.05
"""Room on each side of the square, as a share of the box's longer side."""


def square_crop(
    rgb: NDArray[np.uint8], box: NDArray[np.float32], size: int, margin: float = MARGIN
) -> NDArray[np.uint8]:
    """Cut a square with margin around a box and resize it, antialiased, to (size, size, 3).

    box: x0 y0 x1 y1 in pixels. What lies beyond the frame repeats the nearest edge pixels.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    half = max(x1 - x0, y1 - y0, 1.0) * (0.5 + margin)
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    left, top, right, bottom = centre_x - half, centre_y - half, centre_x + half, centre_y + half
    height, width = rgb.shape[:2]
    # Only the pixels that are needed, with edges repeated: Pillow gets a small image.
    rows = np.arange(int(np.floor(top)), int(np.ceil(bottom))).clip(0, height - 1)
    columns = np.arange(int(np.floor(left)), int(np.ceil(right))).clip(0, width - 1)
    if rows[-1] - rows[0] + 1 == len(rows) and columns[-1] - columns[0] + 1 == len(columns):
        region = rgb[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    else:
        region = rgb[rows][:, columns]
    origin_x, origin_y = np.floor(left), np.floor(top)
    area = (left - origin_x, top - origin_y, right - origin_x, bottom - origin_y)
    image = Image.fromarray(np.ascontiguousarray(region))
    side = (size, size)
    return np.asarray(image.resize(side, Image.Resampling.BICUBIC, box=area, reducing_gap=3.0))
