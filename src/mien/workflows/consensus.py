"""`mien.consensus`: several annotators' labels into one layer of a store, with their agreement."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.annotation.agreement import (
    affect_agreement,
    expression_agreement,
    thrown_away,
    unit_agreement,
)
from mien.annotation.consensus import DISPUTED, NAME_RULES, TRACE_RULES
from mien.annotation.lags import found_lags
from mien.annotation.panel import Panel, measured_lags, read_panel
from mien.annotation.project import Project
from mien.annotation.ruled import (
    Rules,
    errors_of_rules,
    layer_columns,
    of_annotator,
    places,
    ruled,
)
from mien.annotation.suggest import help_report
from mien.atomic import write_text
from mien.errors import InputError, check_name, unknown_name
from mien.store import Store
from mien.store.schema import check_part_name
from mien.text import to_json


def consensus(
    project: str | Path,
    *,
    store: str | Path | None = None,
    layer: str = "consensus",
    au: str = "unanimous",
    expression: str = "unanimous",
    va: str = "mean",
    disputed: str = "dropped",
    annotators: Sequence[str] | None = None,
    truth: str | None = None,
    report: str | Path | None = None,
) -> dict[str, Any]:
    """Write what annotators agree on into a layer, and each one's labels into one of their own.

    store: that holds the project's videos; None: the project's. au, expression: unanimous, majority
    or dawid-skene. va: mean, median, evaluator-weighted or lag-compensated, which takes each trace
    earlier by its annotator's lag; nowhere else is one shifted. disputed: what becomes of frames of
    which some say that a unit is active and some that it is not: dropped (unlabelled) or absent.
    annotators: whose labels count; None: of all. truth: a layer to measure every rule against.
    report: a page to write. The store keeps what was done in `log/layer NAME.json`.

    Returns the agreement and what was written, as plain values. Raises InputError where nothing was
    annotated, no face of the store was, or a name or rule is unknown.
    """
    rules = _checked(Rules(au, expression, va, disputed), layer)
    opened = Project(Path(project))
    try:
        panel = read_panel(opened, _chosen(opened, annotators))
        lags = _lags(opened, panel)
        helped = help_report(opened, panel.annotators)
    finally:
        opened.close()
    target = Store.open(Path(store) if store is not None else opened.folder / "store")
    found = {**_report(panel, rules, lags), "help": helped}
    if truth is not None:
        seconds = {name: told["seconds"] for name, told in lags.items()}
        found["errors"] = errors_of_rules(target, panel, seconds, [truth], disputed)
    found["written"] = _write(target, panel, rules, lags, layer)
    write_text(target.folder / "log" / f"layer {layer}.json", to_json(found))
    if report is not None:
        from mien.report.agreement_report import write_agreement_report

        write_agreement_report(Path(report), found)
    return found


def _checked(rules: Rules, layer: str) -> Rules:
    check_name("rule of units", rules.au, NAME_RULES)
    check_name("rule of expressions", rules.expression, NAME_RULES)
    check_name("rule of valence and arousal", rules.va, TRACE_RULES)
    check_name("fate of disputed frames", rules.disputed, DISPUTED)
    check_part_name("layer", layer)
    return rules


def _chosen(project: Project, annotators: Sequence[str] | None) -> tuple[str, ...]:
    known = project.info.annotators
    for name in annotators or ():
        if name not in known:
            raise unknown_name("annotator", name, known)
    return tuple(name for name in known if annotators is None or name in annotators)


def _lags(project: Project, panel: Panel) -> dict[str, dict[str, Any]]:
    """Seconds by annotator, and how they were found: a measured lag goes before one from marks."""
    measured = measured_lags(project)
    found = found_lags(panel)
    told: dict[str, dict[str, Any]] = {}
    for name in panel.annotators:
        if name in found and found[name][1] == "marks":
            told[name] = {"seconds": found[name][0], "from": "marks"}
        elif name in measured:
            told[name] = {"seconds": measured[name], "from": "calibration"}
        elif name in found:
            told[name] = {"seconds": found[name][0], "from": "others"}
        if name in told and name in measured:
            told[name]["calibration"] = measured[name]
    return told


def _report(panel: Panel, rules: Rules, lags: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "annotators": list(panel.annotators),
        "items": [item.name for item in panel.items],
        "frames": int(panel.expression.shape[1]),
        "rules": vars(rules),
        "units": unit_agreement(panel),
        "expression": expression_agreement(panel),
        "affect": affect_agreement(panel),
        "unanimity": thrown_away(panel),
        "lags": dict(lags),
    }


def _write(
    store: Store, panel: Panel, rules: Rules, lags: Mapping[str, Any], layer: str
) -> dict[str, Any]:
    """Write the layers, the consensus first in precedence; what it says of how many faces."""
    rows, frames = places(store, panel)
    if len(rows) == 0:
        raise InputError(
            f"{store.folder}: holds no face of the project's videos; ingest the same files, or "
            "leave --store away"
        )
    ids = store.column("face_id")[rows]
    seconds = {name: told["seconds"] for name, told in lags.items()}
    columns = layer_columns(panel, ruled(panel, rules, seconds), frames)
    if not columns:
        raise InputError("nothing was annotated that these rules agree on; no layer was written")
    layers = [layer]
    _label(store, layer, ids, columns)
    for number, name in enumerate(panel.annotators):
        own = layer_columns(panel, of_annotator(panel, number), frames)
        if own and name != layer:
            _label(store, name, ids, own)
            layers.append(name)
    store.order_layers(layers)
    shifted = seconds if rules.va == "lag-compensated" else {}
    return {
        "store": str(store.folder),
        "layer": layer,
        "layers": layers,
        "faces": len(rows),
        "columns": sorted(columns),
        "shifted_s": shifted,
    }


def _label(store: Store, layer: str, ids: NDArray[np.int64], columns: Mapping[str, Any]) -> None:
    """Write a layer's columns, and take away what it said before in others."""
    before = store.layer(layer).column_names if layer in store.layers else []
    gone = {name: [None] * len(ids) for name in before if name not in (*columns, "face_id")}
    store.label(layer, ids, {**columns, **gone})
