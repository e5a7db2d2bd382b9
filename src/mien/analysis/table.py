"""The table of an analysis: one row per face per frame, and one where there is no face."""

from collections.abc import Iterator, Sequence

import numpy as np

from mien.analysis.analyze import AnalyzedFrame
from mien.analysis.status import status_without_face, statuses
from mien.labels.heads import Head
from mien.text import cell, number_cell

FRAME_COLUMNS = ("input", "frame", "timestamp", "face_id", "success", "confidence", "status")
BOX_COLUMNS = ("x0", "y0", "x1", "y1")


def header(heads: Sequence[Head]) -> list[str]:
    """Column names for a model with these heads, each its kind's `table_columns`."""
    affect = [c for head in heads for c in head.kind.table_columns(head.name, head.outputs)]
    return [*FRAME_COLUMNS, *BOX_COLUMNS, *affect]


def rows(name: str, analyzed: AnalyzedFrame, width: int) -> Iterator[list[object]]:
    """Yield the rows of one frame, boxes in the file's own pixels, cells empty for nothing to say.

    width: number of columns of the header.
    """
    source, found = analyzed.source, analyzed.found
    time_s = "" if source.time_s is None else f"{source.time_s:.6f}"
    if len(found) == 0:
        first: list[object] = [name, source.frame, time_s, "", 0, "0.0000"]
        first.append(status_without_face(found))
        yield first + [""] * (width - len(first))
        return
    affect = _affect(analyzed)
    said = statuses(found)
    boxes = found.boxes * np.tile(np.array(source.to_file, np.float32), 2)
    for i, (box, confidence) in enumerate(zip(boxes, found.confidence, strict=True)):
        number = analyzed.face_id[i]
        row: list[object] = [name, source.frame, time_s, number if number >= 0 else "", 1]
        row += [number_cell(confidence), said[i], *(f"{v:.2f}" for v in box)]
        row += [cell(column[i]) for column in affect]
        yield row + [""] * (width - len(row))


def _affect(analyzed: AnalyzedFrame) -> list[list[object]]:
    """Columns of what is predicted of the frame's faces."""
    found = analyzed.predictions
    if found is None:
        return []
    columns = (head.kind.table_values(found[head.name], head.outputs) for head in found.heads)
    return [column for part in columns for column in part]
