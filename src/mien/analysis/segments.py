"""Stretches of time during which a person shows one thing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.analysis.affect_table import AffectTable, Person
from mien.labels.action_units import INTENSITY_MAX
from mien.labels.table_columns import CLASS, unit_title

GAP_S = 0.5
"""Seconds of absence that end a stretch."""
LEAST_S = 0.1
"""Shorter shows of a unit are flicker: no stretch, no event."""
_LEAST_INTENSITY = INTENSITY_MAX / 5
"""Of a model without presence: from A, a trace, on."""


@dataclass(frozen=True)
class Segment:
    """From start_s to end_s, in seconds, a person shows `label`."""

    start_s: float
    end_s: float
    label: str


def segments(person: Person, labels: Sequence[str | None], least_s: float = 0.0) -> list[Segment]:
    """Join neighbouring frames of one label.

    labels: (T,) of the person's rows; None is nothing to say. least_s: shorter ones are left out.
    """
    found: list[Segment] = []
    start = 0
    ends = person.time_s + np.nan_to_num(person.length_s)
    for i in range(1, len(labels) + 1):
        over = i == len(labels) or labels[i] != labels[start]
        if not over and person.time_s[i] - ends[i - 1] <= GAP_S:
            continue
        label = labels[start]
        end = float(ends[i - 1])
        if label is not None and end - person.time_s[start] >= max(least_s, 1e-9) - 1e-9:
            found.append(Segment(float(person.time_s[start]), end, label))
        start = i
    return found


def expression_segments(
    table: AffectTable, person: Person, column: str = CLASS, least_s: float = LEAST_S
) -> list[Segment]:
    """Stretches of the likeliest expression; none where the model has none."""
    if column not in table.table.column_names:
        return []
    names = table.table[column].to_pylist()
    readable = table.readable
    said = [names[row] if readable[row] else None for row in person.rows]
    return segments(person, said, least_s)


def unit_segments(table: AffectTable, person: Person) -> dict[str, list[Segment]]:
    """Stretches during which each unit is present, by its title; units never seen are left out."""
    found = {}
    for name, shown in presences(table).items():
        said = [unit_title(name) if shown[row] else None for row in person.rows]
        if stretches := segments(person, said, LEAST_S):
            found[str(unit_title(name))] = stretches
    return found


def presences(table: AffectTable) -> dict[str, NDArray[np.bool_]]:
    """(N,) True where a unit is present, by the column that it is told from.

    From probability 0.5; of a model that tells intensity alone, from 1 of 5.
    """
    found = {}
    columns = table.columns
    told = {name[:-2] for name in columns.presence}
    alone = [name for name in columns.intensity if name[:-2] not in told]
    for names, least in ((columns.presence, 0.5), (alone, _LEAST_INTENSITY)):
        for name in names:
            values = table.floats(name)
            if np.isfinite(values).any():
                found[name] = (np.nan_to_num(values) >= least) & table.readable
    return found
