"""The table as py-feat's `Fex` has it (`feat.utils.io.read_feat`), for code written for that.

Names are py-feat's: `FaceRectX` ..., `AU01` ... (probabilities of presence), seven emotions,
`valence`, `arousal`, `frame`, `input`. Landmarks and pose are there and empty. `Identity` is the
person by tracking.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.analysis.affect_table import AffectTable, write_csv
from mien.atomic import replacing

Array = NDArray[np.float64]
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
LANDMARKS = 68
EMPTY = (
    *(f"{axis}_{i}" for axis in "xy" for i in range(LANDMARKS)),
    *("Pitch", "Roll", "Yaw"),
)


def write_pyfeat(path: Path, table: AffectTable) -> None:
    """Write py-feat's columns. Presence is empty of a model that tells intensity alone."""
    n = table.table.num_rows
    x0, y0, x1, y1 = (_known(table, name) for name in ("x0", "y0", "x1", "y1"))
    seen = table.floats("success") == 1
    columns: dict[str, pa.Array] = {
        "frame": _whole(table.floats("frame")),
        "FaceRectX": _real(x0),
        "FaceRectY": _real(y0),
        "FaceRectWidth": _real(x1 - x0),
        "FaceRectHeight": _real(y1 - y0),
        "FaceScore": _real(np.where(seen, _known(table, "confidence"), np.nan)),
    }
    columns |= dict.fromkeys(EMPTY, pa.nulls(n, pa.float64()))
    columns |= {f"AU{unit:02d}": _real(_known(table, f"AU{unit:02d}_p")) for unit in UNITS}
    columns |= {name: _real(_known(table, name)) for name in (*EMOTIONS, "valence", "arousal")}
    columns["Identity"] = pa.array(_identities(table))
    columns["timestamp"] = _real(table.floats("timestamp"))
    columns["input"] = table.table["input"]
    with replacing(path) as temporary:
        write_csv(temporary, pa.table(columns))


def _identities(table: AffectTable) -> list[str | None]:
    return [None if np.isnan(v) else f"Person_{v:.0f}" for v in _known(table, "face_id")]


def _known(table: AffectTable, name: str) -> Array:
    if name in table.table.column_names:
        return table.floats(name)
    return np.full(table.table.num_rows, np.nan)


def _real(values: Array) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _whole(values: Array) -> pa.Array:
    return pa.array(values.astype(np.int64))
