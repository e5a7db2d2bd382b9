"""Crops of a corpus of pictures: faces as they were cut, or cut anew around the detector's box."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.faces import DETECTORS
from mien.faces.crop import MARGIN, square_crop
from mien.faces.detection import Detector
from mien.media.images import read_image
from mien.media.names import shown
from mien.progress import Progress
from mien.store.schema import LANDMARKS
from mien.store.shards import CropWriter, resize_crops

_BATCH = 256
_READERS = 4
_LEAST, _EDGE = 128, 0.5
"""Pictures are enlarged to this many pixels, and get an edge of this share, to be searched."""

Box = tuple[float, float, float, float]
Points = NDArray[np.float32]
_UNKNOWN: Points = np.full((len(LANDMARKS) // 2, 2), np.nan, np.float32)


@dataclass
class Crops:
    """What was read. rows: of the corpus. boxes: of the crops, in pixels of the picture.

    landmarks: (5, 2) of each, likewise; NaN where no detector looked or found one. failed: file to
    the reason it could not be read. not_found: rows in which no face was found, cut whole.
    """

    rows: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_found: list[int] = field(default_factory=list)
    landmarks: list[Points] = field(default_factory=list)

    def places(self) -> dict[str, Points]:
        """Boxes and landmarks as a store's columns of faces."""
        boxes = np.array(self.boxes, np.float32).reshape(-1, 4)
        points = np.array(self.landmarks, np.float32).reshape(-1, len(LANDMARKS))
        return {
            **dict(zip(("x0", "y0", "x1", "y1"), boxes.T, strict=True)),
            **dict(zip(LANDMARKS, points.T, strict=True)),
        }


class FaceFinder:
    """Cuts the face of a picture that is one: the detector's box, with a margin.

    The picture is enlarged where it is small and gets an edge of its own border, as detectors look
    for faces with something around them. Of several faces the one nearest to the middle is taken.
    """

    margin = MARGIN

    def __init__(self, detector: str = "centerface") -> None:
        self._detect: Detector = DETECTORS[detector](threads=1)

    def __call__(self, rgb: NDArray[np.uint8]) -> tuple[Box, Points] | None:
        """The face's box and landmarks in pixels of the picture; None where none is found."""
        height, width = rgb.shape[:2]
        scale = max(1.0, _LEAST / max(height, width))
        size = (round(width * scale), round(height * scale))
        large = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))
        edge = round(_EDGE * max(size))
        framed = np.pad(large, ((edge, edge), (edge, edge), (0, 0)), mode="edge")
        faces = self._detect(framed)
        found = faces.boxes
        if len(found) == 0:
            return None
        centres = (found[:, :2] + found[:, 2:]) / 2
        middle = np.array([framed.shape[1], framed.shape[0]]) / 2
        nearest = int(np.linalg.norm(centres - middle, axis=1).argmin())
        x0, y0, x1, y1 = ((found[nearest] - edge) / scale).tolist()
        return (x0, y0, x1, y1), (faces.landmarks[nearest] - edge) / np.float32(scale)


def read_crops(
    files: Sequence[Path | None],
    chosen: Sequence[int],
    writer: CropWriter,
    progress: Progress,
    finder: FaceFinder | None = None,
) -> Crops:
    """Write a crop of every chosen file. finder: None: pictures are faces already."""
    done = Crops()
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(chosen), _BATCH):
            rows = chosen[start : start + _BATCH]
            size = [writer.size] * len(rows)
            results = readers.map(_read_crop, (files[r] for r in rows), size, [finder] * len(rows))
            for row, (crop, box, points, reason) in zip(rows, results, strict=True):
                if crop is None:
                    done.failed[shown(files[row] or Path())] = reason
                    continue
                writer.append(crop[None])
                done.rows.append(row)
                done.boxes.append(box)
                done.landmarks.append(points)
                if reason:
                    done.not_found.append(row)
            progress(start + len(rows), len(chosen), "images")
    return done


def _read_crop(
    file: Path | None, size: int, finder: FaceFinder | None
) -> tuple[NDArray[np.uint8] | None, Box, Points, str]:
    """Read one image as a (size, size, 3) crop; why it is not the face alone, if it is not."""
    assert file is not None
    try:
        image = read_image(file)
    except InputError as error:
        return None, (0, 0, 0, 0), _UNKNOWN, str(error)
    if finder is not None and (found := finder(image)) is not None:
        box, points = found
        crop = square_crop(image, np.array(box, np.float32), size, finder.margin)
        return crop, box, points, ""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    whole: Box = (left, top, left + side, top + side)
    why = "no face found" if finder else ""
    return resize_crops(square[None], size)[0], whole, _UNKNOWN, why
