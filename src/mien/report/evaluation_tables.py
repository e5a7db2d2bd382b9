"""Evaluations as tables for people: what `mien evaluate` prints and its page shows."""

from collections.abc import Mapping
from typing import Any

from mien.labels.heads import HEADS
from mien.metrics.heads import HEAD_SCORES

MAIN = ("mean CCC", "mean F1", "macro F1", "accuracy")
"""Scores that a table per person shows, of each head; --json has all."""


def score_lines(scores: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Name the figures of one checkpoint, or of a table, in the order of the table."""
    lines = [
        line
        for name, head in HEADS.items()
        if name in scores
        for line in HEAD_SCORES[head.kind].lines(head.short, scores[name])
    ]
    if scores.get("fakes"):
        lines += [
            ("real called real", scores["real_called_real"]),
            ("fake called fake", scores["fake_called_fake"]),
            ("fakes with a face in them", scores["fakes_with_a_face"]),
        ]
    return lines


Table = tuple[list[str], list[list[Any]]]
"""Columns and rows."""


def detail_tables(details: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """Titles and tables of everything that was asked for."""
    found = [("calibration", _calibration(details["calibration"]))]
    found.append(("ABAW measures", _challenge(details["challenge"])))
    if "intervals" in details:
        told = details["intervals"]
        title = f"{told['level']:.0%} intervals, {told['number']} {told['drawn']} drawn"
        rows = [
            [_named(head, score), i["value"], i["low"], i["high"]]
            for head, scores in told["heads"].items()
            for score, i in scores.items()
            if i["value"] == i["value"]
        ]
        found.append((title, (["", "score", "from", "to"], rows)))
    if "against" in details:
        found.append(_against(details["against"]))
    for grouping, groups in details.get("by", {}).items():
        found.append((f"by {grouping}", _groups(grouping, groups)))
    if "thresholds" in details:
        found.append(_thresholds(details["thresholds"]))
    if "post_processing" in details:
        found.append(_post_processing(details["post_processing"]))
    return [(title, table) for title, table in found if table[1]]


def _named(head: str, score: str) -> str:
    short = HEADS[head].short
    return f"{short} {score}".strip() if not score.startswith("AU") else f"{score} ({short})"


def _challenge(told: Mapping[str, Any]) -> Table:
    words = {
        "VA": "VA: mean CCC",
        "EXPR": f"EXPR: macro F1 of {told['classes']} of 8 classes",
        "AU": f"AU: mean F1 of {told['units']} of 12 units",
        "P": "P: their sum",
    }
    rows = [[text, told[key]] for key, text in words.items() if told[key] == told[key]]
    return ["", "score"], rows


def _calibration(heads: Mapping[str, Any]) -> Table:
    rows = [
        [_named(head, name), r["expected_error"], r["largest_error"], r["brier"]]
        for head, parts in heads.items()
        for name, r in parts.items()
        if r["expected_error"] == r["expected_error"]
    ]
    return ["", "calibration error", "largest", "Brier"], rows


def _against(told: Mapping[str, Any]) -> tuple[str, Table]:
    rows = [
        [
            _named(head, score),
            *(d[k] for k in ("first", "second", "difference", "low", "high", "p")),
        ]
        for head, scores in told["heads"].items()
        for score, d in scores.items()
        if d["difference"] == d["difference"]
    ]
    title = (
        f"{told['first']} against {told['second']}, paired over {told['number']} {told['drawn']}"
    )
    return title, (["", "first", "second", "difference", "from", "to", "p"], rows)


def _groups(grouping: str, groups: Mapping[str, Any]) -> Table:
    heads = {h: None for found in groups.values() for h in found if h != "faces"}
    columns = [
        (head, score)
        for head in heads
        for score in MAIN
        if any(score in found.get(head, {}) for found in groups.values())
    ]
    rows = [
        [name, found["faces"], *(found.get(h, {}).get(s, float("nan")) for h, s in columns)]
        for name, found in groups.items()
    ]
    return [grouping, "faces", *(_named(h, s) for h, s in columns)], rows


def _thresholds(told: Mapping[str, Any]) -> tuple[str, Table]:
    rows = [
        [unit, u["threshold"], u["f1_at_half"], u["f1"], u["accuracy_at_half"], u["accuracy"]]
        for unit, u in told["units"].items()
        if u["f1"] == u["f1"] or u["f1_at_half"] == u["f1_at_half"]
    ]
    means = [told[f"mean_{k}"] for k in ("f1_at_half", "f1", "accuracy_at_half", "accuracy")]
    rows.append(["mean", float("nan"), *means])
    columns = ["unit", "threshold", "F1 at 0.5", "F1", "accuracy at 0.5", "accuracy"]
    return f"thresholds chosen on {told['chosen_on']}", (columns, rows)


def _post_processing(told: Mapping[str, Any]) -> tuple[str, Table]:
    rows = []
    for head, outputs in told["heads"].items():
        for output, found in outputs.items():
            steps = found["steps"]
            rows.append(
                [
                    _named(head, output),
                    steps["median"],
                    steps["offset"],
                    steps["scale"],
                    steps["shift"],
                    *next(iter(_pairs(found))),
                ]
            )
    columns = ["", "median", "offset", "scale", "shift", "of", "without", "with"]
    return f"post-processing chosen on {told['chosen_on']}", (columns, rows)


def _pairs(found: Mapping[str, Any]) -> list[list[Any]]:
    return [[name, value, found["with"][name]] for name, value in found["without"].items()]
