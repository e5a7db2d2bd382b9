"""The table as OpenFace 2 writes it (FeatureExtraction, all outputs), for scripts that read that.

Names and order are OpenFace's; cells are empty where mien measures nothing: gaze, pose, landmarks,
shape, and units that the model does not tell. `frame` counts from 1, `AU12_r` is 0 to 5, `AU12_c` 0
or 1, `confidence` the detector's.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.analysis.affect_table import AffectTable
from mien.atomic import replacing

Array = NDArray[np.float64]
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
ALSO_PRESENT = 28
"""Has presence and no intensity, and stands before AU45."""


def _numbered(*names: str, count: int) -> list[str]:
    return [f"{name}_{i}" for name in names for i in range(count)]


INTENSITIES = [f"AU{unit:02d}_r" for unit in UNITS]
PRESENCES = [f"AU{unit:02d}_c" for unit in sorted((*UNITS, ALSO_PRESENT))]
HEADER = [
    *("frame", "face_id", "timestamp", "confidence", "success"),
    *(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"),
    *("gaze_angle_x", "gaze_angle_y"),
    *_numbered("eye_lmk_x", "eye_lmk_y", "eye_lmk_X", "eye_lmk_Y", "eye_lmk_Z", count=56),
    *(f"pose_{what}{axis}" for what in "TR" for axis in "xyz"),
    *_numbered("x", "y", "X", "Y", "Z", count=68),
    *("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty"),
    *_numbered("p", count=34),
    *INTENSITIES,
    *PRESENCES,
]
_MEASURED = [*HEADER[:5], *INTENSITIES, *PRESENCES]


def write_openface(path: Path, table: AffectTable) -> None:
    """Write the columns of OpenFace 2, commas alone between them."""
    _write(path, table, ",")


def write_openface_spaced(path: Path, table: AffectTable) -> None:
    """Write them with a space after each comma, as OpenFace 2.0 did; empty cells have none."""
    _write(path, table, ", ")


def _write(path: Path, table: AffectTable, between: str) -> None:
    columns = _columns(table)
    places = [HEADER.index(name) for name in _MEASURED]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(between.join(HEADER) + "\n")
        for cells in zip(*columns, strict=True):
            row = [""] * len(HEADER)
            for place, cell in zip(places, cells, strict=True):
                row[place] = cell
            file.write(_joined(row, between) + "\n")


def _joined(cells: list[str], between: str) -> str:
    """Put separators between cells; one before an empty cell is a comma alone."""
    return cells[0] + "".join(f",{between[1:] if cell else ''}{cell}" for cell in cells[1:])


def _columns(table: AffectTable) -> list[list[str]]:
    """Cells of the columns that mien measures, in the order of `_MEASURED`."""
    seen = table.floats("success") == 1
    photographs = np.isnan(table.floats("timestamp"))
    plain: dict[str, Any] = {
        "frame": _whole(table.floats("frame") + 1),
        "face_id": _whole(np.nan_to_num(_known(table, "face_id"))),
        "timestamp": _decimals(np.where(photographs, 0.0, table.floats("timestamp")), 6),
        "confidence": _decimals(np.where(seen, _known(table, "confidence"), 0.0), 4),
        "success": _whole(seen.astype(float)),
    }
    plain |= {name: _decimals(_known(table, name), 4) for name in INTENSITIES}
    plain |= {name: _whole(_known(table, name)) for name in PRESENCES}
    return [plain[name] for name in _MEASURED]


def _known(table: AffectTable, name: str) -> Array:
    if name in table.table.column_names:
        return table.floats(name)
    return np.full(table.table.num_rows, np.nan)


def _whole(values: Array) -> list[str]:
    return ["" if np.isnan(v) else f"{v:.0f}" for v in values]


def _decimals(values: Array, places: int) -> list[str]:
    return ["" if np.isnan(v) else f"{v:.{places}f}" for v in values]
