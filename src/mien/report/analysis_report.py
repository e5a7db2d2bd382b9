"""The report of an analysis: one HTML file that needs nothing else."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image
from pyarrow import csv as arrow_csv

from mien.labels.action_units import INTENSITY_MAX
from mien.labels.kinds import THRESHOLD
from mien.media.decode import Frame, decode
from mien.media.images import fit_within, read_image
from mien.media.kinds import kind_of
from mien.labels.table_columns import CLASS, AffectColumns, unit_title
from mien.report.figures import PLOTLY_SCRIPT, affect_figure
from mien.report.pages import write_page
from mien.report.traces import Trace, TurningPoint, thinned, turning_points

MOST_FACES = 4
"""Faces of one video that get traces of their own: those seen longest."""
MOST_STILLS = 60
_THUMBNAIL = 220
_SAME_TIME_S = 1e-5  # the table's times are rounded to microseconds


def write_report(path: Path, table_file: Path) -> None:
    """Write the report of a table that `mien analyze` wrote; the inputs are read for pictures."""
    options = arrow_csv.ConvertOptions(
        strings_can_be_null=True, column_types={"input": pa.string(), CLASS: pa.string()}
    )
    table = arrow_csv.read_csv(table_file, convert_options=options)
    columns = AffectColumns.of(table.column_names)
    inputs = table["input"].unique().to_pylist()
    stills = [name for name in inputs if _is_still(name)]
    videos = [_video(table, name, columns) for name in inputs if not _is_still(name)]
    write_page(
        path,
        "analysis.html",
        title=", ".join(Path(name).name for name in inputs[:3]) + (" ..." if inputs[3:] else ""),
        plotly=PLOTLY_SCRIPT if videos else "",
        videos=videos,
        stills=[_still(table, name, columns) for name in stills[:MOST_STILLS]],
        more_stills=max(len(stills) - MOST_STILLS, 0),
        rows=table.num_rows,
        table=table_file.name,
    )


def _is_still(name: str) -> bool:
    return kind_of(Path(name)) in ("image", "pages")


def _video(table: pa.Table, name: str, columns: AffectColumns) -> dict[str, Any]:
    part = table.filter(pc.equal(table["input"], name))
    frames = pc.count_distinct(part["frame"]).as_py()
    seen = part.filter(pc.equal(part["success"], 1))
    with_face = pc.count_distinct(seen["frame"]).as_py()
    people = seen["face_id"].value_counts().to_pylist()
    people.sort(key=lambda item: -item["counts"])
    return {
        "name": Path(name).name,
        "frames": frames,
        "with_face": with_face,
        "share": with_face / frames if frames else 0.0,
        "people": len(people),
        "faces": [
            _face(name, seen, item["values"], item["counts"], columns)
            for item in people[:MOST_FACES]
        ],
    }


def _face(
    name: str, seen: pa.Table, number: int, frames: int, columns: AffectColumns
) -> dict[str, Any]:
    rows = seen.filter(pc.equal(seen["face_id"], number))
    signals = {name: _floats(rows, name) for name in columns.signals}
    trace = Trace(_floats(rows, "timestamp"), signals)
    points = turning_points(trace, columns.signals)
    boxes = np.stack([_floats(rows, c) for c in ("x0", "y0", "x1", "y1")], axis=1)
    where = {float(t): boxes[i] for i, t in enumerate(trace.time_s)}
    pictures = _pictures(Path(name), {p.time_s for p in points}, where)
    return {
        "number": number,
        "frames": frames,
        "figure": affect_figure(thinned(trace), columns, points),
        "silent": not trace.known(columns.signals),
        "turns": [
            {"time": p.time_s, "text": _describe(p), "picture": pictures[p.time_s]}
            for p in points
            if p.time_s in pictures
        ],
    }


def _describe(point: TurningPoint) -> str:
    name = unit_title(point.signal) or point.signal
    return (
        f"{name} {'peaks at' if point.rising else 'falls to'} {point.value:.2f}{_of(point.signal)}"
    )


def _of(name: str) -> str:
    """The scale of an intensity, so that nobody takes it for a probability."""
    return f" of {INTENSITY_MAX:g}" if name.endswith("_r") else ""


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    values = table[name].cast(pa.float64())
    return np.asarray(pc.fill_null(values, float("nan")).to_numpy(), np.float64)


def _pictures(
    path: Path, wanted: set[float], boxes: dict[float, NDArray[np.float64]]
) -> dict[float, str]:
    """Cut the face, with room around it, from the frames shown at the wanted times."""
    found = {}
    for time_s, frame in _frames(path, wanted):
        scale = frame.to_file_pixels(np.ones((1, 2), np.float32))[0]  # boxes are the file's own
        found[time_s] = _data_url(_around(frame.rgb, boxes[time_s] / np.tile(scale, 2)))
    return found


def _frames(path: Path, wanted: set[float]) -> Iterator[tuple[float, Frame]]:
    if not wanted or not path.exists():
        return
    for frame in decode(path):
        nearest = min(wanted, key=lambda time_s: abs(time_s - frame.time_s))
        if abs(nearest - frame.time_s) < _SAME_TIME_S:
            yield nearest, frame
        if frame.time_s > max(wanted):
            return


def _around(rgb: NDArray[np.uint8], box: NDArray[np.float64]) -> Image.Image:
    x0, y0, x1, y1 = box
    half = max(x1 - x0, y1 - y0) * 0.85
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    height, width = rgb.shape[:2]
    left, right = (int(np.clip(v, 0, width)) for v in (x - half, x + half))
    top, bottom = (int(np.clip(v, 0, height)) for v in (y - half, y + half))
    return Image.fromarray(np.ascontiguousarray(rgb[top:bottom, left:right]))


def _data_url(image: Image.Image) -> str:
    image = image.resize(fit_within(image.size, _THUMBNAIL), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"


def _still(table: pa.Table, name: str, columns: AffectColumns) -> dict[str, Any]:
    rows = table.filter(pc.equal(table["input"], name)).to_pylist()
    rgb = read_image(Path(name)) if Path(name).exists() else None
    faces = []
    for row in rows:
        if not row["success"] or rgb is None:
            continue
        box = np.array([row[c] for c in ("x0", "y0", "x1", "y1")], float)
        shown = [c for c in columns.presence if (row[c] or 0) >= THRESHOLD]
        shown += [c for c in columns.intensity if (row[c] or 0) >= 1]  # from A, the trace, on
        faces.append(
            {
                "picture": _data_url(_around(rgb, box)),
                "expression": row.get(CLASS),
                "units": [f"{c[:-2]} {row[c]:.2f}{_of(c)}" for c in shown],
                "axes": [f"{c} {row[c]:.2f}" for c in columns.axes if row[c] is not None],
            }
        )
    return {"name": Path(name).name, "faces": faces}
