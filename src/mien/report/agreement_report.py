"""How far annotators agree, as tables for the terminal and as a page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mien.report.pages import write_page


class Table(NamedTuple):
    """A table of the report. note: what its figures are."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def agreement_tables(found: Mapping[str, Any]) -> list[Table]:
    """Tables of what `mien.consensus` returned; those without a row are left out."""
    tables = [*_units(found), *_expressions(found), *_affect(found), *_kept(found), *_lags(found)]
    tables += [*_help(found)]
    tables += _errors(found.get("errors", {}))
    return [table for table in tables if table.rows]


def write_agreement_report(path: Path, found: Mapping[str, Any]) -> None:
    """Write the page, whole; it needs nothing else."""
    tables = [t._replace(rows=[[_cell(v) for v in row] for row in t.rows])
              for t in agreement_tables(found)]  # fmt: skip
    write_page(path, "agreement.html", found=found, tables=tables)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if math.isfinite(value) else "–"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _units(found: Mapping[str, Any]) -> Iterator[Table]:
    units = found["units"]
    measures = ("cohen", "fleiss", "krippendorff", "positive", "negative")
    columns = ("unit", "frames", "Cohen", "Fleiss", "Krippendorff", "positive", "negative")
    rows = [[unit, of["frames"], *(of[m] for m in measures)] for unit, of in units.items()]
    note = "Cohen's kappa, positive and negative agreement are means of all pairs."
    yield Table("Action Units", note, columns, rows)
    each = [[unit, *of["active"].values()] for unit, of in units.items()]
    note = "Share of the frames in which each annotator calls the unit active."
    yield Table("How often each marks a unit", note, ("unit", *found["annotators"]), each)
    pairs = [[unit, pair, of["cohen"], of["positive"], of["negative"]]
             for unit, told in units.items() for pair, of in told["pairs"].items()]  # fmt: skip
    of_pairs = ("unit", "pair", "Cohen", "positive", "negative")
    yield Table("Action Units, of every pair", "", of_pairs, pairs)


def _expressions(found: Mapping[str, Any]) -> Iterator[Table]:
    told = found["expression"]
    if told:
        rows = [[name, of["cohen"], of["positive"]] for name, of in told["classes"].items()]
        note = (
            f"Of all together: Cohen {_cell(told['cohen'])}, Fleiss {_cell(told['fleiss'])}, "
            f"Krippendorff {_cell(told['krippendorff'])}; a frame without a mark counts as a class."
        )
        yield Table("Expressions", note, ("expression", "Cohen", "positive"), rows)


def _affect(found: Mapping[str, Any]) -> Iterator[Table]:
    for dimension, of in found["affect"].items():
        rows = [[pair, v["ccc"], v["pearson"], v["signed_differential"]]
                for pair, v in of["pairs"].items()]  # fmt: skip
        rows.append(["mean of pairs", of["ccc"], of["pearson"], of["signed_differential"]])
        icc = of["icc"]
        note = (
            f"ICC, absolute agreement: {_cell(icc['absolute'])} of one annotator, "
            f"{_cell(icc['mean_absolute'])} of their mean; consistency: "
            f"{_cell(icc['consistent'])} and {_cell(icc['mean_consistent'])}. Krippendorff "
            f"{_cell(of['krippendorff'])}. Signed differential agreement is of whole seconds."
        )
        columns = ("pair", "CCC", "Pearson", "signed differential")
        yield Table(dimension.capitalize(), note, columns, rows)


def _kept(found: Mapping[str, Any]) -> Iterator[Table]:
    rows = [[name, of["marked"], of["majority"], of["unanimous"], of["lost"]]
            for name, of in found["unanimity"].items()]  # fmt: skip
    note = (
        "Frames that somebody marked, that a majority and that everybody does. Lost: share of the "
        "first that unanimity throws away. Where it differs, unanimity changes what the data show."
    )
    columns = ("label", "marked", "majority", "unanimous", "lost")
    yield Table("What unanimity throws away", note, columns, rows)


def _lags(found: Mapping[str, Any]) -> Iterator[Table]:
    how = {
        "marks": "all annotators' marks, which have no lag",
        "calibration": "the calibration clip",
        "others": "the quickest annotator, taken for 0",
    }
    rows = [[name, of["seconds"], how[of["from"]]] for name, of in found["lags"].items()]
    note = "Labels are shifted by it only where the rule is lag-compensated, and once."
    yield Table("Reaction lags", note, ("annotator", "seconds", "found from"), rows)


def _help(found: Mapping[str, Any]) -> Iterator[Table]:
    columns = ("annotator", "shown", "accepted", "refused", "hidden", "found without")
    rows = [[name, *of.values()] for name, of in found.get("help", {}).items()]
    note = (
        "A model's suggestions that were shown, and what became of them; and those that were kept "
        "hidden as a control, with how many of these the annotator marked unasked. Where far fewer "
        "are found than accepted, the suggestions lead people."
    )
    yield Table("Help from a model", note, columns, rows)


def _errors(errors: Mapping[str, Any]) -> Iterator[Table]:
    for dimension, rules in errors.get("affect", {}).items():
        rows = [[rule, of["rmse"], of["ccc"]] for rule, of in rules.items()]
        title = f"Against the truth: {dimension}"
        yield Table(title, "", ("rule", "RMSE", "CCC"), rows)
    units = errors.get("units", {}).items()
    rows = [[u, rule, of["f1"], of["labelled"]] for u, rules in units for rule, of in rules.items()]
    note = "F1 of the frames that the rule labels, and their share."
    yield Table("Against the truth: Action Units", note, ("unit", "rule", "F1", "labelled"), rows)
    rows = [[rule, of["accuracy"], of["labelled"]]
            for rule, of in errors.get("expression", {}).items()]  # fmt: skip
    yield Table("Against the truth: expressions", "", ("rule", "accuracy", "labelled"), rows)
