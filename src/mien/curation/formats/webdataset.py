"""Tar shards of KEY.png and KEY.json, as WebDataset reads them."""

import io
import json
import tarfile
from pathlib import Path

from mien.curation.exports import Selection, label_columns
from mien.curation.formats.pictures import each, png
from mien.progress import Progress
from mien.text import without_nan

SHARD = 5000


def write(selection: Selection, out: Path, progress: Progress) -> None:
    """Write OUT/NNNNNN.tar."""
    columns = label_columns(selection.labels)
    names = {name: selection.column(name) for name in ("subject", "video", "image")}
    names["split"] = selection.parts
    tar: tarfile.TarFile | None = None
    try:
        for i, crop in each(selection, progress):
            if i % SHARD == 0:
                if tar is not None:
                    tar.close()
                tar = tarfile.open(out / f"{i // SHARD:06d}.tar", "w")  # noqa: SIM115
            facts = {name: values[i] for name, values in (names | columns).items()}
            facts = {name: value for name, value in facts.items() if value is not None}
            assert tar is not None
            _add(tar, f"{i:08d}.png", png(crop))
            _add(tar, f"{i:08d}.json", json.dumps(without_nan(facts)).encode())
    finally:
        if tar is not None:
            tar.close()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
