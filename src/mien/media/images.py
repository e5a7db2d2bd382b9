"""Photographs in, pictures out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mien.atomic import replacing
from mien.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
"""Decoders that may open a file, whatever its name: none that calls another program."""


def is_image(path: Path) -> bool:
    """Whether the name says photograph."""
    return path.suffix.lower() in SUFFIXES


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a photograph as RGB (H, W, 3), upright by its EXIF tag; InputError where it cannot."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):
                upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
            elif upright.mode in ("I", "F"):
                raise ValueError(f"pixels of mode {upright.mode} have no known range")
            return np.asarray(upright.convert("RGB"))
    except FileNotFoundError:
        raise InputError(f"{path}: does not exist") from None
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise InputError(f"{path}: is not an image that can be read ({error})") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: {error}") from error


def images_in(folder: Path) -> list[Path]:
    """All photographs directly in a folder, by name."""
    return sorted(path for path in folder.iterdir() if is_image(path))


def grid(pictures: NDArray[np.uint8], columns: int, scale: int = 1) -> Image.Image:
    """Lay out pictures (N, S, S, 3) row by row, each pixel `scale` wide, missing cells black."""
    n, side = pictures.shape[:2]
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, side, side, 3), np.uint8)
    cells[:n] = pictures
    sheet = cells.reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    image = Image.fromarray(sheet.reshape(rows * side, columns * side, 3))
    if scale == 1:
        return image
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def write_image(path: Path, image: Image.Image) -> None:
    """Write a picture whole or not at all, in the format of the path's suffix."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a picture's name ends in one of {', '.join(sorted(SUFFIXES))}")
    with replacing(path) as temporary:
        image.save(temporary)


def fit_within(size: Sequence[int], longest: int) -> tuple[int, int]:
    """Scale (width, height) so that the longer side is at most `longest`; never up."""
    factor = min(1.0, longest / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
