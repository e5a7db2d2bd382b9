"""Pixels on disk: immutable .npy arrays of crops, memory-mapped."""

import os
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from mien.atomic import replacing
from mien.errors import InputError

_HEADER_BYTES = 128
_OPEN_SHARDS = 512  # each holds a file descriptor; common limits start at 1024


def shard_file(folder: Path, size: int, shard: int) -> Path:
    """Where the crops of one shard lie at one size."""
    return folder / "pixels" / str(size) / f"{shard:06d}.npy"


class ShardWriter:
    """Appends crops to a shard that becomes visible only when finished.

    Used as a context manager; leaving it without `finish` removes what was written.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size, self.rows = path, size, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
        self._file: BinaryIO = self._temporary.open("w+b")
        self._write_header()

    def _write_header(self) -> None:
        shape = (self.rows, self.size, self.size, 3)
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
        magic = npy.magic(1, 0)
        padding = _HEADER_BYTES - len(magic) - 2 - len(header) - 1
        text = header.encode() + b" " * padding + b"\n"
        self._file.seek(0)
        self._file.write(magic + len(text).to_bytes(2, "little") + text)

    def append(self, crops: NDArray[np.uint8]) -> None:
        """Add crops (N, size, size, 3)."""
        assert crops.shape[1:] == (self.size, self.size, 3)
        self._file.write(np.ascontiguousarray(crops).data)
        self.rows += len(crops)

    def finish(self, order: Sequence[int] | NDArray[np.intp] | None = None) -> None:
        """Make the shard visible, rearranged: row i becomes the one written as order[i]."""
        self._write_header()
        self._file.flush()
        if order is not None and not np.array_equal(order, np.arange(self.rows)):
            self._rearrange(np.asarray(order))
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self.path)

    def _rearrange(self, order: NDArray[np.intp]) -> None:
        written = np.load(self._temporary, mmap_mode="r")
        with replacing(self._temporary) as arranged, arranged.open("w+b") as target:
            self._file.seek(0)
            target.write(self._file.read(_HEADER_BYTES))
            for start in range(0, len(order), 1024):
                target.write(np.ascontiguousarray(written[order[start : start + 1024]]).data)
        del written
        self._file.close()
        self._file = self._temporary.open("r+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if not self._file.closed:
            self._file.close()
        self._temporary.unlink(missing_ok=True)


@lru_cache(maxsize=_OPEN_SHARDS)
def _mapped(path: Path) -> NDArray[np.uint8]:
    try:
        array: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: missing or damaged pixels: {error}") from error
    return array.view(np.ndarray)  # indexing a plain view is twice as fast as a memmap


class Pixels:
    """The crops of a store at one size, addressed by face row."""

    def __init__(
        self, folder: Path, size: int, shard: NDArray[np.int32], row: NDArray[np.int32]
    ) -> None:
        self.size = size
        self._shard, self._row = shard, row
        self._files = {int(s): shard_file(folder, size, int(s)) for s in np.unique(shard)}
        for file in islice(self._files.values(), _OPEN_SHARDS):
            _mapped(file)  # what is mapped stays readable, whatever a later import removes

    def __len__(self) -> int:
        return len(self._row)

    def gather(self, faces: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return the crops (N, size, size, 3) of the faces at these rows of the table."""
        shards, rows = self._shard[faces], self._row[faces]
        if len(self._files) == 1:
            return _mapped(next(iter(self._files.values()))).take(rows, axis=0)
        out = np.empty((len(faces), self.size, self.size, 3), np.uint8)
        for shard in np.flatnonzero(np.bincount(shards)):
            mine = shards == shard
            out[mine] = _mapped(self._files[int(shard)])[rows[mine]]
        return out


def derive_shard(source: Path, target: Path, size: int) -> None:
    """Write the crops of one shard again at a smaller size, antialiased."""
    crops = _mapped(source)
    with ShardWriter(target, size) as writer:
        for start in range(0, len(crops), 256):
            writer.append(resize_crops(crops[start : start + 256], size))
        writer.finish()


def resize_crops(crops: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize crops (N, H, W, 3) to (N, size, size, 3), bicubic and antialiased."""
    out = np.empty((len(crops), size, size, 3), np.uint8)
    for i, crop in enumerate(crops):
        out[i] = np.asarray(Image.fromarray(crop).resize((size, size), Image.Resampling.BICUBIC))
    return out
