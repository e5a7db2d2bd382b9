"""Parquet shards with an image column, as `datasets.load_dataset(FOLDER)` reads them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mien.corpora.exchange import KEY
from mien.curation.exports import Selection
from mien.curation.formats.pictures import png
from mien.progress import Progress

SHARD = 5000
_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write(selection: Selection, out: Path, progress: Progress) -> None:
    """Write OUT/data/train-NNNNN-of-NNNNN.parquet and OUT/README.md."""
    (out / "data").mkdir()
    table = selection.table
    kinds = {"picture": {"_type": "Image"}} | {
        name: {"dtype": _dtype(table.schema.field(name).type), "_type": "Value"}
        for name in table.column_names
    }
    metadata = {
        KEY: table.schema.metadata[KEY],
        b"huggingface": json.dumps({"info": {"features": kinds}}).encode(),
    }
    count = len(table)
    shards = -(-count // SHARD)
    for number in range(shards):
        rows = range(number * SHARD, min((number + 1) * SHARD, count))
        pictures = [
            {"bytes": png(crop), "path": f"{row:08d}.png"}
            for row, crop in zip(rows, selection.crops(rows), strict=True)
        ]
        shard = table.slice(rows.start, len(rows)).append_column(
            "picture", pa.array(pictures, _PICTURE)
        )
        name = f"train-{number:05d}-of-{shards:05d}.parquet"
        pq.write_table(shard.replace_schema_metadata(metadata), out / "data" / name)
        progress(rows.stop, count, "faces")
    (out / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files: data/*.parquet\n---\n"
        f"{count} faces, exported by mien. Columns `LAYER:COLUMN` are labels, `split:NAME` parts "
        "of splits.\n",
        encoding="utf-8",
    )


def _dtype(kind: pa.DataType) -> str:
    return {"double": "float64", "float": "float32", "dictionary": "string"}.get(
        str(kind), str(kind)
    )
