"""Photographs in, pictures out."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.atomic import replacing
from mien.errors import InputError
from mien.media.names import reason, shown

WRITABLE = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
SUFFIXES = WRITABLE | {".jfif", ".jpe", ".avif", ".heic", ".heif", ".hif"}
"""Names that say photograph."""

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "AVIF", "GIF")
"""Decoders that may open a file, whatever its name: none that calls another program."""

MOTION_JPEG = frozenset({".mjpeg", ".mjpg"})

_ORIENTATION = 0x112
_NEW_SUBFILE_TYPE = 254
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""


def is_image(path: Path) -> bool:
    """Whether the name says photograph."""
    return path.suffix.lower() in SUFFIXES


def picture_format(path: Path) -> str | None:
    """Return the kind of picture a file begins like; None for other files.

    Its name does not count, but for one: a stream of JPEG pictures (.mjpeg) begins like one.
    """
    if path.suffix.lower() in MOTION_JPEG:
        return None
    try:
        if not path.is_file():  # opening a pipe waits for somebody to write
            return None
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return None
    for start, name in (
        (b"\xff\xd8\xff", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF8", "GIF"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
    ):
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _picture_brand(head[8:12], head[: int.from_bytes(head[:4])])
    return None


def _picture_brand(major: bytes, box: bytes) -> str | None:
    if major in (b"avif", b"avis"):
        return "AVIF"
    if major in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"):
        return "AVIF" if b"avif" in box or b"avis" in box else "HEIC"
    return None


logging.getLogger("PIL").addHandler(logging.NullHandler())  # or Python prints what it logs


class _Shared:
    """Enters a context with the first thread that is inside, and leaves it with the last."""

    def __init__(self, context: Callable[[], AbstractContextManager[None]]) -> None:
        self._context, self._lock, self._inside = context, Lock(), 0
        self._entered = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._entered.enter_context(self._context())
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._entered.close()


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _no_errors() -> Iterator[None]:
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


_warnings_off, _errors_off = _Shared(_no_warnings), _Shared(_no_errors)
"""Both are the process's: each thread on its own would restore what another one had changed."""


@contextmanager
def quiet(native: bool = False) -> Iterator[None]:
    """Keep what decoders warn of to themselves; never across a `yield` to a caller.

    native: also what libraries in C write to the process's standard error (libtiff does).
    """
    with _warnings_off, _errors_off if native else nullcontext():
        yield


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """Open a picture; whatever a decoder raises until it is closed becomes one InputError."""
    name = shown(path)
    if path.exists() and not path.is_file():
        raise InputError(f"{name}: is not a file")
    try:
        with quiet():
            heic = picture_format(path) == "HEIC"
            image = _heic(path) if heic else Image.open(path, formats=FORMATS)
        with image:
            yield image
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{name}: does not exist") from None
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: {reason(error)}") from error
    except Exception as error:
        raise InputError(f"{name}: is not an image that can be read ({reason(error)})") from error


def _heic(path: Path) -> Image.Image:
    """Read the whole picture of a HEIC file, its tiles put together, upright."""
    try:
        heif = import_module("pi_heif")
    except ImportError:
        raise InputError(
            f"{shown(path)}: is HEIC, which needs the package pi-heif; install it or convert the "
            "file to JPEG"
        ) from None
    image: Image.Image = heif.read_heif(path.read_bytes()).to_pillow()
    image.getexif().clear()  # the decoder has turned it
    return image


def read_image(path: Path, page: int = 0) -> NDArray[np.uint8]:
    """Read a photograph as RGB (H, W, 3), upright by its EXIF tag; InputError where it cannot.

    page: of a file that holds several pictures, see `page_count`; from 0.
    """
    with opened_image(path) as image, quiet():
        numbers = _pages(image)
        if not 0 <= page < len(numbers):
            raise InputError(f"{shown(path)}: holds no page {page}; it has {len(numbers)}")
        return _upright_rgb(image, numbers[page])


def page_count(path: Path) -> int:
    """Count the pictures of a TIFF; 1 for every other photograph. InputError as `read_image`."""
    with opened_image(path) as image, quiet():
        return len(_pages(image))


def pages_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the pages of a file as `read_image` does, one after the other."""
    with opened_image(path) as image:
        with quiet():
            numbers = _pages(image)
        for number in numbers:
            with quiet():
                page = _upright_rgb(image, number)
            yield page


def _pages(image: Image.Image) -> list[int]:
    """List the numbers of the pictures that are no smaller copies of another (TIFF)."""
    if image.format != "TIFF":
        return [0]
    found = []
    for number in range(int(getattr(image, "n_frames", 1))):
        image.seek(number)
        tags = getattr(image, "tag_v2", {})
        if not int(tags.get(_NEW_SUBFILE_TYPE, 0)) & 1:
            found.append(number)
    image.seek(0)
    return found or [0]


def _upright_rgb(image: Image.Image, number: int) -> NDArray[np.uint8]:
    if number:
        image.seek(number)
    with quiet(native=image.format == "TIFF"):
        image.load()
    turn = _TURNS.get(_orientation(image))
    upright = image if turn is None else image.transpose(turn)
    if upright.mode.startswith("I;16"):
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    elif upright.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {upright.mode} have no known range")
    return np.asarray(upright.convert("RGB"))


def _orientation(image: Image.Image) -> int:
    """Return EXIF tag 0x112 alone; 1, upright, where it cannot be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1


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
    if path.suffix.lower() not in WRITABLE:
        raise InputError(f"{path}: a picture's name ends in one of {', '.join(sorted(WRITABLE))}")
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
