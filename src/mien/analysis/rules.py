"""Emotions read from Action Units by rule: the prototypes of bartissol-2017, Table 2.

Beside what a network learned, never mixed with it: the columns begin with `rule_`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mien.analysis.affect_table import AffectTable
from mien.labels.action_units import column
from mien.labels.kinds import THRESHOLD
from mien.labels.table_columns import CLASS, RULE

Array = NDArray[np.float64]
PROTOTYPES: Mapping[str, tuple[int, ...]] = {
    "happiness": (6, 12),
    "sadness": (1, 4, 14),
    "surprise": (1, 2, 5, 26),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "anger": (4, 5, 7, 23),
    "disgust": (9, 15, 16),
}
"""The table asks AU5 of surprise to be slight (B); presence alone is asked for here."""
NONE = "none"
"""No prototype is whole."""


def readable_by_rule(table: AffectTable) -> dict[str, tuple[str, ...]]:
    """Columns of presence or intensity of each emotion whose units the model has all."""
    names = table.table.column_names
    found = {}
    for emotion, units in PROTOTYPES.items():
        columns = [_known(table, column(unit), names) for unit in units]
        if all(columns):
            found[emotion] = tuple(c for c in columns if c is not None)
    return found


def _known(table: AffectTable, unit: str, names: list[str]) -> str | None:
    for name in (f"{unit}_p", f"{unit}_r"):
        if name in names and np.isfinite(table.floats(name)).any():
            return name
    return None


def read_by_rule(table: AffectTable) -> AffectTable:
    """Add `rule_expression` and a column per emotion: the share of its units that are present.

    A unit is present from probability 0.5, or from intensity 1 where the model tells intensity
    alone. `rule_expression`: the emotion all of whose units are present, of several the one with
    most units; `none` where there is no such. An emotion one of whose units the model never learned
    is empty and is never said.
    """
    known = readable_by_rule(table)
    n = table.table.num_rows
    shares = {emotion: np.full(n, np.nan) for emotion in PROTOTYPES}
    for emotion, names in known.items():
        values = table.stacked(names)
        least = np.array([1.0 if name.endswith("_r") else THRESHOLD for name in names])
        shown = np.where(np.isnan(values), np.nan, values >= least)
        shares[emotion] = shown.mean(1)
    said: list[str | None] = []
    largest_first = sorted(known, key=lambda emotion: -len(PROTOTYPES[emotion]))
    for i in range(n):
        of_row = [e for e in largest_first if shares[e][i] == 1]
        silent = not known or all(np.isnan(shares[e][i]) for e in known)
        said.append(None if silent else of_row[0] if of_row else NONE)
    columns: dict[str, object] = {f"{RULE}{CLASS}": np.array(said, object).tolist()}
    return table.with_columns(columns | {f"{RULE}{e}": shares[e] for e in PROTOTYPES})
