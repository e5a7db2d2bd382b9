"""Crops as PNG bytes."""

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.corpora.exchange import batches
from mien.curation.exports import Selection
from mien.progress import Progress


def png(crop: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """Encode a crop (S, S, 3), without loss as PNG."""
    data = io.BytesIO()
    options = {"quality": 95} if kind == "JPEG" else {"compress_level": 3}
    Image.fromarray(crop).save(data, kind, **options)
    return data.getvalue()


def each(selection: Selection, progress: Progress) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield every face's place in the selection and its crop."""
    count = len(selection.rows)
    for rows in batches(count):
        progress(rows.start, count, "faces")
        yield from zip(rows, selection.crops(rows), strict=True)
    progress(count, count, "faces")
