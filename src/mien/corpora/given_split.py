"""A split that somebody else made, as a CSV of people or videos."""

import csv
from collections.abc import Sequence
from pathlib import Path

from mien.errors import InputError
from mien.store.splits import split_name


def read_given_split(
    path: Path, subject: Sequence[str | None], video: Sequence[str | None]
) -> list[str | None]:
    """Return the split of each face; None for faces the CSV says nothing of.

    The CSV has a column `split` and a column `subject` or `video`. Raises InputError where it names
    a person or video that the store does not know, or one of them twice with different splits.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from error
    key = next((k for k in ("subject", "video") if rows and k in rows[0]), None)
    if key is None or "split" not in rows[0]:
        raise InputError(f"{path}: needs the columns split and subject (or video)")
    names = subject if key == "subject" else video
    known = set(names)
    given: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        name = row[key]
        try:
            part = split_name(row["split"] or "")
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
        if name not in known:
            raise InputError(f"{path}, line {line}: the store knows no {key} {name!r}")
        if given.setdefault(name, part) != part:
            raise InputError(
                f"{path}, line {line}: {key} {name} is in two splits, {given[name]} and {part}"
            )
    return [given.get(name) if name is not None else None for name in names]
