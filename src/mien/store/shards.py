"""Pixels on disk: .npy arrays of crops, memory-mapped, many sources in one.

A shard grows by appending: the crops, then the number of rows in its header, then store.json, which
says how many rows count. A reader maps just these, so that it never sees what a killed writer left
behind them, and the next writer overwrites it. Rows that count never change.
"""

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from mien.atomic import replacing
from mien.errors import InputError
from mien.store.files import new_locked

SHARD_BYTES = 256 * 2**20
"""Size from which a shard is full."""

_HEADER_BYTES = 128
_OPEN_SHARDS = 512  # each holds a file descriptor; common limits start at 1024


def shard_file(folder: Path, size: int, shard: int) -> Path:
    """Where the crops of one shard lie at one size."""
    return folder / "pixels" / str(size) / f"{shard:06d}.npy"


def shards_in(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Find the shards on disk: size, number and file of each, and of nothing else there."""
    for path in sorted((folder / "pixels").glob("*/*.npy")):
        if re.fullmatch(r"[1-9]\d*", path.parent.name) and re.fullmatch(r"\d{6,}", path.stem):
            yield int(path.parent.name), int(path.stem), path


def capacity(size: int) -> int:
    """Rows of a full shard of crops of `size` pixels."""
    return max(1, (SHARD_BYTES - _HEADER_BYTES) // crop_bytes(size))


def crop_bytes(size: int) -> int:
    """Bytes of one crop."""
    return size * size * 3


def rows_in(path: Path, size: int) -> int:
    """Whole rows that a shard's file has room for; 0 where there is none."""
    try:
        return max(0, path.stat().st_size - _HEADER_BYTES) // crop_bytes(size)
    except FileNotFoundError:
        return 0


def write_header(file: BinaryIO, rows: int, size: int) -> None:
    """Write the .npy header, of 128 bytes whatever the number of rows."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {(rows, size, size, 3)}, }}"
    magic = npy.magic(1, 0)
    padding = _HEADER_BYTES - len(magic) - 2 - len(header) - 1
    text = header.encode() + b" " * padding + b"\n"
    file.seek(0)
    file.write(magic + len(text).to_bytes(2, "little") + text)


@dataclass
class StagedCrops:
    """Crops that wait for their commit: `rows` of them in files of at most a shard."""

    size: int
    rows: int
    files: list[Path]

    def close(self) -> None:
        """Hand everything to the operating system, which has it already."""


class CropWriter(StagedCrops):
    """Takes crops before they are committed: files of at most a shard, seen by no reader.

    Used as a context manager; what was not committed when it is left is removed. The first file is
    locked until then: by that others know whether its writer is still there.
    """

    def __init__(self, folder: Path, size: int) -> None:
        super().__init__(size, 0, [])
        self._folder, self._token = folder, secrets.token_hex(8)
        self._lock: BinaryIO | None = None
        self._file: BinaryIO | None = None
        self._room = 0

    def append(self, crops: NDArray[np.uint8]) -> None:
        """Add crops (N, size, size, 3)."""
        assert crops.shape[1:] == (self.size, self.size, 3)
        done = 0
        while done < len(crops):
            file = self._file if self._file is not None and self._room else self._next_file()
            part = crops[done : done + self._room]
            file.write(np.ascontiguousarray(part).data)
            done += len(part)
            self._room -= len(part)
            self.rows += len(part)

    def _next_file(self) -> BinaryIO:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f".crops.{self._token}-{len(self.files)}.tmp"
        if self._lock is None:
            self._lock = new_locked(path)
            self._file = path.open("r+b")
        else:
            self._file = path.open("xb")
        self.files.append(path)
        self._room = capacity(self.size)
        write_header(self._file, self._room, self.size)
        return self._file

    def close(self) -> None:
        """Hand everything to the operating system; `append` may go on in a new file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def staged(self) -> StagedCrops:
        """What was taken so far, for whoever commits it, in another process too."""
        self.close()
        return StagedCrops(self.size, self.rows, list(self.files))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        for path in self.files:
            path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()


def append_rows(path: Path, size: int, used: int, staged: Path) -> int:
    """Append a staged file's crops to a shard of which `used` rows count; returns the new number.

    Whatever lies beyond these rows is overwritten. The shard is made where it does not exist. It is
    not flushed yet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    added = rows_in(staged, size)
    if not path.exists():
        path.touch()
    with path.open("r+b") as shard, staged.open("rb") as crops:
        crops.seek(_HEADER_BYTES)
        shard.seek(_HEADER_BYTES + used * crop_bytes(size))
        shutil.copyfileobj(crops, shard, 2**22)
        shard.truncate()
        write_header(shard, used + added, size)
    return used + added


def copy_rows(source: Path, target: Path, size: int, rows: NDArray[np.intp], used: int) -> None:
    """Write some rows of a shard, of which `used` count, as a new one; it is not flushed yet."""
    crops = mapped(source, size, used)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary, temporary.open("wb") as file:
        write_header(file, len(rows), size)
        for start in range(0, len(rows), 1024):
            file.write(np.ascontiguousarray(crops[rows[start : start + 1024]]).data)


def mapped(path: Path, size: int, rows: int) -> NDArray[np.uint8]:
    """Map the first rows of a shard; raises InputError where it is missing or cut off."""
    try:
        stat = path.stat()
        if rows_in(path, size) < rows:
            raise InputError(f"{path}: damaged pixels: holds fewer than {rows} crops of {size} px")
        return _mapped(path, size, rows, stat.st_ino)
    except OSError as error:
        raise InputError(
            f"{path}: missing or unreadable pixels ({error.strerror}); if the store was changed "
            "since it was opened, open it again"
        ) from error


@lru_cache(maxsize=_OPEN_SHARDS)
def _mapped(path: Path, size: int, rows: int, inode: int) -> NDArray[np.uint8]:
    """inode: another file of the same name is another shard."""
    array = np.memmap(path, np.uint8, "r", _HEADER_BYTES, (rows, size, size, 3))
    return array.view(np.ndarray)  # indexing a plain view is twice as fast as a memmap


class Pixels:
    """The crops of a store at one size, addressed by face row.

    shard, row: (N,) of every face. used: rows that count, by shard.
    """

    def __init__(
        self,
        folder: Path,
        size: int,
        shard: NDArray[np.int32],
        row: NDArray[np.int32],
        used: Mapping[int, int],
    ) -> None:
        self.size = size
        self._folder, self._used = folder, used
        self._shard, self._row = shard, row
        present = np.flatnonzero(np.bincount(shard)).tolist() if len(shard) else []
        kept = present if len(present) <= _OPEN_SHARDS else []
        self._maps = {number: self._map(number) for number in kept}
        """Kept open: what is mapped stays readable, whatever a later import removes."""

    def _map(self, number: int) -> NDArray[np.uint8]:
        return mapped(shard_file(self._folder, self.size, number), self.size, self._used[number])

    def __len__(self) -> int:
        return len(self._row)

    def gather(self, faces: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return the crops (N, size, size, 3) of the faces at these rows of the table.

        Raises InputError for a negative row, as windows have where there is no face.
        """
        if len(faces) and np.min(faces) < 0:
            raise InputError(f"row {np.min(faces)}: is none of a face; leave such rows out")
        out = np.empty((len(faces), self.size, self.size, 3), np.uint8)
        maps = self._maps
        places = zip(self._shard[faces].tolist(), self._row[faces].tolist(), strict=True)
        for i, (number, row) in enumerate(places):
            shard = maps.get(number)
            out[i] = (self._map(number) if shard is None else shard)[row]
        return out


def derive_shard(
    source: Path,
    target: Path,
    sizes: tuple[int, int],
    rows: int,
    naming: Callable[[], AbstractContextManager[bool]],
) -> None:
    """Write the first rows of a shard again at a smaller size, antialiased; keeps what is there.

    sizes: of the source's crops and of the target's. naming: held while the new file gets its name;
    False where the shard was removed in the meantime, and so is what was derived from it.
    """
    size, smaller = sizes
    done = min(rows, rows_in(target, smaller))
    if done == rows:
        return
    crops = mapped(source, size, rows)
    target.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held, replacing(target) as temporary:
        with temporary.open("wb") as file:
            write_header(file, rows, smaller)
            if done:
                file.write(np.ascontiguousarray(mapped(target, smaller, done)).data)
            for start in range(done, rows, 256):
                file.write(resize_crops(crops[start : min(start + 256, rows)], smaller).data)
        if not held.enter_context(naming()):
            temporary.unlink()


def resize_crops(crops: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize crops (N, H, W, 3) to (N, size, size, 3), bicubic and antialiased."""
    out = np.empty((len(crops), size, size, 3), np.uint8)
    for i, crop in enumerate(crops):
        out[i] = np.asarray(Image.fromarray(crop).resize((size, size), Image.Resampling.BICUBIC))
    return out
