"""What the formats of linguists share: named tiers of stretches of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.analysis.affect_table import AffectTable
from mien.analysis.segments import Segment, expression_segments, unit_segments
from mien.errors import InputError
from mien.labels.table_columns import CLASS, RULE


@dataclass(frozen=True)
class Tier:
    """Stretches that do not overlap, in order of time."""

    name: str
    segments: Sequence[Segment]


def tiers(table: AffectTable) -> list[Tier]:
    """One tier per person for the expression, and one for each unit that is ever present.

    With one person the names are `expression` and `AU12 lip corner puller`; with several they begin
    with `person 0: `. Raises InputError for a table of several inputs, or without times.
    """
    if len(table.inputs) != 1:
        raise InputError(f"this format holds one input, the table has {len(table.inputs)}")
    if not np.isfinite(table.floats("timestamp")).any():
        raise InputError("this format is made of times, and photographs have none")
    people = list(table.people())
    found = []
    for person in people:
        before = f"person {person.face_id}: " if len(people) > 1 else ""
        for column in (CLASS, f"{RULE}{CLASS}"):
            stretches = expression_segments(table, person, column)
            if stretches:
                found.append(Tier(before + column.replace("_", " "), stretches))
        for title, stretches in unit_segments(table, person).items():
            found.append(Tier(before + title, stretches))
    return found


def end_s(table: AffectTable) -> float:
    """When the last frame goes."""
    times = table.floats("timestamp")
    shown = np.unique(times[np.isfinite(times)])
    step = float(np.median(np.diff(shown))) if len(shown) > 1 else 0.04
    return float(shown[-1]) + step
