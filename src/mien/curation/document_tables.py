"""A store's figures in the tables of the documents: by batch, by part, by sex, by stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mien.curation.collection import FEMALE, MALE, NOT_STATED, SEXES, Collection, Rows
from mien.labels.action_units import FACS, parse
from mien.labels.kinds import likeliest

Cell = str | int | float


@dataclass(frozen=True)
class Table:
    """source: the documents' table that it follows. rows: cells, the first of each its name.

    A float is a percentage with two decimals.
    """

    title: str
    source: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def document_tables(of: Collection) -> list[Table]:
    """Every table of which the store has anything."""
    tables = [attributes(of), stages(of), batches(of), subjects(of)]
    if of.units[0]:
        tables += [units_by_batch(of), units_by_part(of)]
    return [table for table in tables if table.rows]


def _with_total(groups: Mapping[str, Rows], n: int) -> dict[str, Rows]:
    everything = np.arange(n)
    return {**groups, "total": everything} if len(groups) > 1 else {"total": everything}


def batches(of: Collection) -> Table:
    """General statistics per collection batch and in all."""
    groups = _with_total(of.batches, len(of.store))
    _, shown, _ = of.units
    any_unit = np.asarray(shown.any(1))
    rows: list[list[Cell]] = [
        ["videos", *(_distinct(of.videos.codes, r) for r in groups.values())],
        ["frames with a face", *(int(of.first_of_frame[r].sum()) for r in groups.values())],
        ["faces", *(len(r) for r in groups.values())],
    ]
    if shown.shape[1]:
        rows += [
            [
                "faces that show at least one unit",
                *(int(any_unit[r].sum()) for r in groups.values()),
            ],
            ["% of faces", *(_percent(int(any_unit[r].sum()), len(r)) for r in groups.values())],
            ["units annotated", *(int(shown[r].sum()) for r in groups.values())],
        ]
    head = of.labels.head("expression")
    if head is not None:
        named = likeliest(of.labels["expression"]) >= 0
        counted = (int(named[r].sum()) for r in groups.values())
        rows.append(["faces with an expression", *counted])
    source = "au-va-thesis, Table 3.1; kollias-2018, II-C"
    return Table("Videos by collection batch", source, ["", *groups], rows)


def units_by_batch(of: Collection) -> Table:
    """Number of every unit per batch and in all, and its share of all units."""
    names, shown, _ = of.units
    groups = _with_total(of.batches, len(of.store))
    counts = {name: shown[rows].sum(0) for name, rows in groups.items()}
    rows: list[list[Cell]] = [
        [
            _title(unit),
            *(int(c[i]) for c in counts.values()),
            *(_percent(int(c[i]), int(c.sum())) for c in counts.values()),
        ]
        for i, unit in enumerate(names)
    ]
    columns = ["unit", *groups, *(f"{name}, %" for name in groups)]
    return Table(
        "Action Units by collection batch",
        "au-va-thesis, Table 3.2; kollias-2018, Table III",
        columns,
        rows,
        "Shares are of all units annotated.",
    )


def units_by_part(of: Collection) -> Table:
    """Number and share of every unit in each part, and the largest gap between two parts."""
    names, shown, _ = of.units
    groups = _with_total(of.parts, len(of.store)) if of.parts else {}
    if not groups:
        return Table("", "", (), ())
    counts = {name: shown[rows].sum(0) for name, rows in groups.items()}
    rows: list[list[Cell]] = []
    for i, unit in enumerate(names):
        shares = [_percent(int(c[i]), int(c.sum())) for c in counts.values()]
        own = shares[: len(of.parts)]
        gap = max(own) - min(own) if len(own) > 1 else 0.0
        rows.append([_title(unit), *(int(c[i]) for c in counts.values()), *shares, gap])
    totals = [int(c.sum()) for c in counts.values()]
    rows.append(["total", *totals, *(_percent(t, t) for t in totals), ""])
    columns = ["unit", *groups, *(f"{name}, %" for name in groups), "gap, points"]
    return Table("Action Units by part of the split", "au-va-thesis, Table 3.4", columns, rows)


def subjects(of: Collection) -> Table:
    """People of each part by sex."""
    rows: list[list[Cell]] = []
    for name, mine in {**of.parts, "total": np.arange(len(of.store))}.items():
        sexes = of.sexes(mine)
        rows.append([name, *sexes.values(), sum(sexes.values())])
    return Table(
        "People by sex", "au-va-thesis, Table 3.3", ["part", *SEXES, "people"], rows,
        "As subjects.csv states it; nobody's sex is guessed from a face.",
    )  # fmt: skip


def stages(of: Collection) -> Table:
    """Videos, frames and people at every stage, per batch and in all."""
    rows: list[list[Cell]] = []
    known = np.zeros(len(of.store), bool)
    for values in of.labels.values():
        known |= ~np.isnan(values).all(1)
    for name, mine in _with_total(of.batches, len(of.store)).items():
        told = [v for v in of.videos.at(mine).used() if v in of.logs]
        if told:
            frames = int(sum(of.logs[v]["frames"] for v in told))
            rows.append(_stage(of, f"{name}: as read, before face detection", mine, frames))
        rows.append(_stage(of, f"{name}: after face detection", mine))
        rows.append(_stage(of, f"{name}: labelled", mine[known[mine]]))
    if of.parts:
        rows.append(_stage(of, "in the split", np.concatenate(list(of.parts.values()))))
    return Table(
        "Stages", "benroumpi-2018, Table 3.4",
        ["stage", "videos", "frames", "males", "females", "people"], rows,
        "Frames after detection are those with a face, however many faces they show.",
    )  # fmt: skip


def _stage(of: Collection, name: str, rows: Rows, frames: int | None = None) -> list[Cell]:
    sexes = of.sexes(rows)
    counted = int(of.first_of_frame[rows].sum()) if frames is None else frames
    males, females = sexes[MALE], sexes[FEMALE]
    videos = _distinct(of.videos.codes, rows)
    return [name, videos, counted, males, females, sum(sexes.values())]


def attributes(of: Collection) -> Table:
    """What the documents say of a collection in one table."""
    groups = _with_total(of.batches, len(of.store))
    columns = [_attributes(of, rows) for rows in groups.values()]
    rows: list[list[Cell]] = [[key, *(c[key] for c in columns)] for key in columns[0]]
    return Table("Attributes", "kollias-2018, Tables I and IV", ["", *groups], rows)


def _attributes(of: Collection, rows: Rows) -> dict[str, Cell]:
    sexes = of.sexes(rows)
    videos = of.videos.at(rows).used()
    lengths = [of.logs[v]["seconds"] for v in videos if v in of.logs]
    formats = sorted({PurePosixPath(v).suffix[1:].upper() for v in videos} - {""})
    unstated = f"; {sexes[NOT_STATED]} not stated" if sexes[NOT_STATED] else ""
    sides = np.maximum(
        of.store.column("x1")[rows] - of.store.column("x0")[rows],
        of.store.column("y1")[rows] - of.store.column("y0")[rows],
    )
    sides = sides[np.isfinite(sides)]
    size = f"{sides.min():.0f}, {sides.mean():.0f}, {sides.max():.0f} px" if len(sides) else "–"
    return {
        "frames with a face": int(of.first_of_frame[rows].sum()),
        "videos": len(videos),
        "people": f"{sum(sexes.values())} ({sexes[MALE]} male; {sexes[FEMALE]} female{unstated})",
        "label layers": len(of.store.layers),
        "length of videos": f"{_time(min(lengths))} to {_time(max(lengths))}" if lengths else "–",
        "total length": _time(sum(lengths)) if lengths else "–",
        "video format": ", ".join(formats) or "–",
        "face size, least, mean, greatest": size,
    }


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _title(unit: str) -> str:
    number = parse(unit)
    return f"{unit} {FACS[number]}" if number in FACS else unit


def _distinct(codes: NDArray[np.int32], rows: Rows) -> int:
    found = np.unique(codes[rows])
    return int((found >= 0).sum())


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
