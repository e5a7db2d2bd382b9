"""One HDF5 file (au-va-thesis, section 3.2): images, and a dataset per head of labels."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from mien.corpora.exchange import batches
from mien.curation.exports import Selection
from mien.progress import Progress


def write(selection: Selection, out: Path, progress: Progress) -> None:
    """Write `images` (N, S, S, 3) uint8, `labels/HEAD` (N, K) float32, NaN where unlabelled.

    `labels/HEAD` has an attribute `outputs`. `faces.parquet` holds what is left: names, splits,
    layers one by one.
    """
    import h5py

    count, size = len(selection.rows), selection.size
    with h5py.File(out, "w") as file:
        images = file.create_dataset(
            "images", (count, size, size, 3), np.uint8, chunks=(min(count, 64), size, size, 3),
            compression="gzip", compression_opts=1,
        )  # fmt: skip
        for rows in batches(count):
            images[rows.start : rows.stop] = selection.crops(rows)
            progress(rows.stop, count, "faces")
        for head in selection.labels.heads:
            data = file.create_dataset(f"labels/{head.name}", data=selection.labels[head.name])
            data.attrs["outputs"] = list(head.outputs)
        table = io.BytesIO()
        pq.write_table(selection.table, table)
        file.create_dataset("faces.parquet", data=np.frombuffer(table.getvalue(), np.uint8))
