"""The table of an analysis: one row per face per frame, and one where there is no face."""

from collections.abc import Iterator, Sequence

import numpy as np

from mien.analysis.analyze import AnalyzedFrame
from mien.labels.action_units import column
from mien.text import number_cell

FRAME_COLUMNS = ("input", "frame", "timestamp", "face_id", "success", "confidence")
BOX_COLUMNS = ("x0", "y0", "x1", "y1")
PRESENT = 0.5
"""Probability from which a unit counts as present."""


def header(aus: Sequence[int], expressions: Sequence[str]) -> list[str]:
    """Column names for a model with these units and expressions.

    Per unit: `_p` probability, `_c` presence 0 or 1, `_r` intensity 0 to 5, empty where the model
    has none. Per expression: its probability, under its name.
    """
    units = [f"{column(au)}_{kind}" for au in aus for kind in ("p", "c", "r")]
    affect = ["valence", "arousal", *units, "expression", *expressions]
    return [*FRAME_COLUMNS, *BOX_COLUMNS, *affect]


def rows(name: str, analyzed: AnalyzedFrame, width: int) -> Iterator[list[object]]:
    """Yield the rows of one frame, cells empty where there is nothing to say.

    width: number of columns of the header.
    """
    source, found = analyzed.source, analyzed.found
    time_s = "" if source.time_s is None else f"{source.time_s:.6f}"
    if len(found) == 0:
        first: list[object] = [name, source.frame, time_s, "", 0, "0.0000"]
        yield first + [""] * (width - len(first))
        return
    for i, (box, confidence) in enumerate(zip(found.boxes, found.confidence, strict=True)):
        number = analyzed.face_id[i]
        row: list[object] = [name, source.frame, time_s, number if number >= 0 else "", 1]
        row += [number_cell(confidence), *(f"{v:.2f}" for v in box), *_affect(analyzed, i)]
        yield row + [""] * (width - len(row))


def _affect(analyzed: AnalyzedFrame, face: int) -> Iterator[object]:
    found = analyzed.predictions
    if found is None:
        return
    yield from map(number_cell, found.valence_arousal[face])
    for probability in found.au_probability[face]:
        present = "" if np.isnan(probability) else int(probability >= PRESENT)
        yield from (number_cell(probability), present, "")
    best = found.expression_index()[face]
    yield found.expressions[best] if best >= 0 else ""
    yield from map(number_cell, found.expression_probability[face])
