"""TFRecord shards (bartissol-2017, section 3.2): framing, checksums and tf.train.Example by hand.

A record is its length (uint64), a masked CRC-32C of that, the data, and a masked CRC-32C of it.
Features: `image/encoded` (JPEG), `image/format`, `image/height`, `image/width`, `image/name`,
and for every head `label/HEAD` (floats, NaN where unlabelled).
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mien.curation.exports import Selection
from mien.curation.formats.pictures import each, png
from mien.progress import Progress

SHARD = 5000
_MASK = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78

Value = bytes | Sequence[float] | int


def _table() -> list[int]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
        found.append(byte)
    return found


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), as RFC 3720 defines it."""
    crc = 0xFFFFFFFF
    table = _TABLE
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """Rotate and add a constant, as TFRecord stores checksums."""
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Frame one record."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        (length, struct.pack("<I", masked(crc32c(length))), data,
         struct.pack("<I", masked(crc32c(data))))
    )  # fmt: skip


def example(features: Mapping[str, Value]) -> bytes:
    """Encode tf.train.Example: bytes, a whole number, or a list of floats per feature."""
    entries = b""
    for name, value in sorted(features.items()):
        if isinstance(value, bytes):
            feature = _field(1, _field(1, value))
        elif isinstance(value, int):
            feature = _field(3, _field(1, _varint(value)))
        else:
            feature = _field(2, _field(1, np.asarray(value, "<f4").tobytes()))
        entries += _field(1, _field(1, name.encode()) + _field(2, feature))
    return _field(1, entries)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def write(selection: Selection, out: Path, progress: Progress) -> None:
    """Write OUT/NNNNN-of-NNNNN.tfrecord."""
    labels, count = selection.labels, len(selection.rows)
    shards = -(-count // SHARD)
    images, videos = selection.column("image"), selection.column("video")
    file = None
    try:
        for i, crop in each(selection, progress):
            if i % SHARD == 0:
                if file is not None:
                    file.close()
                file = (out / f"{i // SHARD:05d}-of-{shards:05d}.tfrecord").open("wb")
            features: dict[str, Value] = {
                "image/encoded": png(crop, "JPEG"),
                "image/format": b"jpeg",
                "image/height": selection.size,
                "image/width": selection.size,
                "image/name": (images[i] or videos[i] or "").encode(),
                **{f"label/{head.name}": labels[head.name][i].tolist() for head in labels.heads},
            }
            assert file is not None
            file.write(record(example(features)))
    finally:
        if file is not None:
            file.close()
