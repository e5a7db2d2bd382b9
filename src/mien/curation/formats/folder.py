"""A folder of PNG crops with faces.parquet, and labels.csv for people: nothing is lost."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mien.curation.exports import Selection, label_columns
from mien.curation.formats.pictures import each, png
from mien.progress import Progress


def write(selection: Selection, out: Path, progress: Progress) -> None:
    """Write OUT/images/NNNNNNNN.png, OUT/faces.parquet and OUT/labels.csv."""
    (out / "images").mkdir()
    files = [f"images/{i:08d}.png" for i in range(len(selection.rows))]
    for i, crop in each(selection, progress):
        (out / files[i]).write_bytes(png(crop))
    table = selection.table.append_column("file", pa.array(files))
    pq.write_table(table, out / "faces.parquet")
    with (out / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = {name: selection.column(name) for name in ("subject", "video")}
        columns = label_columns(selection.labels)
        writer.writerow(["image", *names, *columns])
        rows = zip(files, *names.values(), *columns.values(), strict=True)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
