"""A panel's ratings made one by rules, and what that says of a store's faces."""

from collections.abc import Iterator, Mapping, Sequence
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
    columns = range(len(panel.unit_names))
    units = _stacked(
        [unit_consensus(panel.units[:, :, u], rules.au, rules.disputed) for u in columns], panel
    )
    traces = panel.shifted(lags) if rules.va == "lag-compensated" else panel
    names = expression_consensus(panel.expression, rules.expression, len(panel.expression_names))
    settled = panel.settled
    if settled is not None:
        units = np.where(np.isnan(settled.units[0]), units, settled.units[0])
        names = np.where(settled.expression[0] < 0, names, settled.expression[0])
    levels = _stacked(
        [intensity_consensus(panel.levels[:, :, u], units[:, u]) for u in columns], panel
    )
    affect = np.stack([trace_consensus(traces.affect[:, :, d], rules.va) for d in range(2)], 1)
    return Ruled(units, levels, names, affect)


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
    found: dict[str, Any] = {"faces": len(row), "affect": {}, "units": {}, "expression": {}}
    for rule, rules in _rules(disputed):
        one = ruled(panel, rules, lags)
        for d, dimension in enumerate(DIMENSIONS):
            true, said = known.column("valence_arousal", dimension), one.affect[frame, d]
            score = {"rmse": rmse(said, true), "ccc": ccc(said, true)}
            if rule == rules.va and not np.isnan(score["rmse"]):
                found["affect"].setdefault(dimension, {})[rule] = score
        if rule != rules.au:
            continue
        for u, unit in enumerate(panel.unit_names):
            true, said = known.column("au", unit), one.units[frame, u]
            if not np.isnan(true).all():
                found["units"].setdefault(unit, {})[rule] = _unit_score(said, true)
        head = known.head("expression")
        if head is not None:
            true = _codes(known["expression"], head.outputs, panel.expression_names)
            said, both = one.expression[frame], true >= 0
            labelled = both & (said >= 0)
            right = float((said == true)[labelled].mean()) if labelled.any() else float("nan")
            share = float(labelled.sum() / max(both.sum(), 1))
            found["expression"][rule] = {"accuracy": right, "labelled": share}
    return found


def _rules(disputed: str) -> Iterator[tuple[str, Rules]]:
    for rule in NAME_RULES:
        yield rule, Rules(rule, rule, "mean", disputed)
    for rule in TRACE_RULES:
        yield rule, Rules("majority", "majority", rule, disputed)


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
