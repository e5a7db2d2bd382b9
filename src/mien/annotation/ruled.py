"""A panel's ratings made one by rules, and what that says of a store's faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.annotation.consensus import (
    NAME_RULES,
    TRACE_RULES,
    expression_consensus,
    intensity_consensus,
    trace_consensus,
    unit_consensus,
)
from mien.annotation.items import Floats
from mien.annotation.marks import DIMENSIONS
from mien.annotation.panel import Panel
from mien.annotation.prepare import rows_of
from mien.metrics.continuous import ccc, rmse
from mien.store import Store


@dataclass(frozen=True)
class Rules:
    """How several annotators' labels become one; see `consensus`. disputed: of units."""

    au: str = "unanimous"
    expression: str = "unanimous"
    va: str = "mean"
    disputed: str = "dropped"


@dataclass(frozen=True)
class Ruled:
    """One label per frame of all items, those of each item one after the other.

    units, levels: (N, U); expression: (N,); affect: (N, 2).
    """

    units: Floats
    levels: Floats
    expression: NDArray[np.int64]
    affect: Floats


def ruled(panel: Panel, rules: Rules, lags: Mapping[str, float]) -> Ruled:
    """Apply rules to a panel; what was adjudicated counts before any rule.

    lags: seconds by which each annotator's traces are taken earlier, used by `lag-compensated`.
    """
    units = ruled_units(panel, rules.au, rules.disputed)
    many = range(len(panel.unit_names))
    levels = [intensity_consensus(panel.levels[:, :, u], units[:, u]) for u in many]
    names, affect = ruled_names(panel, rules.expression), ruled_affect(panel, rules.va, lags)
    return Ruled(units, _stacked(levels, panel), names, affect)


def ruled_units(panel: Panel, rule: str, disputed: str) -> Floats:
    """Presence (N, U) of all units."""
    many = range(len(panel.unit_names))
    each = [unit_consensus(panel.units[:, :, u], rule, disputed) for u in many]
    units = _stacked(each, panel)
    if panel.settled is None:
        return units
    settled = panel.settled.units[0]
    return np.where(np.isnan(settled), units, settled)


def ruled_names(panel: Panel, rule: str) -> NDArray[np.int64]:
    """Expression (N,)."""
    names = expression_consensus(panel.expression, rule, len(panel.expression_names))
    if panel.settled is None:
        return names
    settled = panel.settled.expression[0]
    return np.where(settled < 0, names, settled)


def ruled_affect(panel: Panel, rule: str, lags: Mapping[str, float]) -> Floats:
    """Valence and arousal (N, 2)."""
    traces = panel.shifted(lags) if rule == "lag-compensated" else panel
    return np.stack([trace_consensus(traces.affect[:, :, d], rule) for d in range(2)], 1)


def _stacked(columns: list[Floats], panel: Panel) -> Floats:
    n = panel.expression.shape[1]
    return np.stack(columns, 1) if columns else np.empty((n, 0))


def of_annotator(panel: Panel, number: int) -> Ruled:
    """What one annotator says, as if it were a consensus."""
    return Ruled(
        panel.units[number], panel.levels[number],
        np.maximum(panel.expression[number], -1), panel.affect[number],
    )  # fmt: skip


def layer_columns(panel: Panel, found: Ruled, frames: NDArray[np.intp]) -> dict[str, Any]:
    """Columns of a label layer for faces that are in these frames; those that say nothing are left.

    Raises nothing: values are in range by construction.
    """
    columns: dict[str, Any] = {}
    for u, unit in enumerate(panel.unit_names):
        columns[unit] = found.units[frames, u]
        levels = found.levels[frames, u]
        if (levels > 0).any():
            columns[f"{unit}_r"] = levels
    names = [*panel.expression_names, None]
    columns["expression"] = [names[code] for code in found.expression[frames].tolist()]
    for d, dimension in enumerate(DIMENSIONS):
        columns[dimension] = np.clip(found.affect[frames, d], -1, 1)
    return {name: values for name, values in columns.items() if _says(values)}


def _says(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return bool((~np.isnan(values)).any())
    return any(value is not None for value in values)


def places(store: Store, panel: Panel) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of a store's table that show what was labelled, and the panel's frame of each."""
    rows, frames = [], []
    for item, of_item, here in zip(panel.items, panel.frames, panel.slices, strict=True):
        found, frame = rows_of(store, item, of_item)
        rows.append(found)
        frames.append(frame + here.start)
    if not rows:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    row, frame = np.concatenate(rows), np.concatenate(frames)
    _, first = np.unique(row, return_index=True)
    return row[first], frame[first]


def errors_of_rules(
    store: Store, panel: Panel, lags: Mapping[str, float], truth: Sequence[str], disputed: str
) -> dict[str, Any]:
    """How far each rule is from a layer that is known to be true.

    affect: by dimension and rule RMSE and CCC. units: by unit and rule F1 of the labelled faces
    and the share of faces that the rule labels. expression: by rule accuracy and share.
    """
    row, frame = places(store, panel)
    known = store.labels(truth).at(row)
    affect: dict[str, Any] = {}
    for rule in TRACE_RULES:
        said = ruled_affect(panel, rule, lags)[frame]
        for d, dimension in enumerate(DIMENSIONS):
            true = known.column("valence_arousal", dimension)
            score = {"rmse": rmse(said[:, d], true), "ccc": ccc(said[:, d], true)}
            if not np.isnan(score["rmse"]):
                affect.setdefault(dimension, {})[rule] = score
    units: dict[str, Any] = {}
    names: dict[str, Any] = {}
    head = known.head("expression")
    for rule in NAME_RULES:
        present = ruled_units(panel, rule, disputed)[frame]
        for u, unit in enumerate(panel.unit_names):
            true = known.column("au", unit)
            if not np.isnan(true).all():
                units.setdefault(unit, {})[rule] = _unit_score(present[:, u], true)
        if head is not None:
            codes = _codes(known["expression"], head.outputs, panel.expression_names)
            names[rule] = _name_score(ruled_names(panel, rule)[frame], codes)
    return {"faces": len(row), "affect": affect, "units": units, "expression": names}


def _name_score(said: NDArray[np.int64], true: NDArray[np.int64]) -> dict[str, float]:
    known = true >= 0
    labelled = known & (said >= 0)
    right = float((said == true)[labelled].mean()) if labelled.any() else float("nan")
    return {"accuracy": right, "labelled": float(labelled.sum() / max(known.sum(), 1))}


def _unit_score(said: Floats, true: NDArray[np.float32]) -> dict[str, float]:
    both = ~np.isnan(said) & ~np.isnan(true)
    hits = int(((said == 1) & (true == 1) & both).sum())
    either = int(((said == 1) & both).sum() + ((true == 1) & both).sum())
    share = float(both.sum() / max((~np.isnan(true)).sum(), 1))
    return {"f1": 2 * hits / either if either else float("nan"), "labelled": share}


def _codes(
    one_hot: NDArray[np.float32], outputs: Sequence[str], names: Sequence[str]
) -> NDArray[np.int64]:
    """Index among `names` of what each row says, -1 for nothing or another."""
    place = np.array([names.index(o) if o in names else -1 for o in outputs], np.int64)
    unknown = np.isnan(one_hot).any(1)
    return np.where(unknown, -1, place[np.nan_to_num(one_hot).argmax(1)])
