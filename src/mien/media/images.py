"""Photographs in, pictures out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

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


def side_by_side(left: Image.Image, right: Image.Image, gap: int = 8) -> Image.Image:
    """Put two pictures beside each other on white, aligned at the top."""
    size = (left.width + gap + right.width, max(left.height, right.height))
    sheet = Image.new("RGB", size, "white")
    sheet.paste(left, (0, 0))
    sheet.paste(right, (left.width + gap, 0))
    return sheet


def emotion_circle(points: NDArray[np.float32], side: int) -> Image.Image:
    """Draw points (N, 2), valence to the right and arousal up, in the circle of radius 1.

    Points outside are drawn where they fall, those beyond 1.15 at the edge of the picture.
    """
    image = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(image)
    middle, unit = side / 2, side / 2 / 1.2
    pen.line((0, middle, side, middle), fill=(207, 216, 220))
    pen.line((middle, 0, middle, side), fill=(207, 216, 220))
    box = (middle - unit, middle - unit, middle + unit, middle + unit)
    pen.ellipse(box, outline=(120, 144, 156), width=max(1, side // 250))
    font = ImageFont.load_default(size=max(10, side // 28))
    pen.text((side - 4, middle + 2), "valence", (96, 125, 139), font, anchor="ra")
    pen.text((middle + 6, 2), "arousal", (96, 125, 139), font, anchor="la")
    radius = max(2.0, side / 110)
    for valence, arousal in np.clip(np.nan_to_num(points), -1.15, 1.15):
        x, y = middle + float(valence) * unit, middle - float(arousal) * unit
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(216, 27, 96))
    return image
