"""A split that somebody else made, as a CSV of people or videos."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mien.corpora.table_file import read_table, spelling_key
from mien.errors import InputError
from mien.store.names import short_names
from mien.store.splits import split_name


def read_given_split(
    path: Path,
    subject: Sequence[str | None],
    video: Sequence[str | None],
    person_of: Mapping[str, str] | None = None,
) -> list[str | None]:
    """Return the split of each face; None for faces the CSV says nothing of.

    person_of: ids by which the CSV may name people too, to the names in `subject`.

    The CSV has a column `split` and a column `subject` or `video`; `001` may stand for `corpus/001`
    where only one corpus has such a name. Raises InputError where it names
    a person or video that the store does not know, or one of them twice with different splits.
    """
    table = read_table(path, "split")
    columns = table.columns()
    key = next((k for k in ("subject", "video") if k in columns), None)
    if key is None or "split" not in columns:
        raise InputError(f"{path}: needs the columns split and subject (or video)")
    names = subject if key == "subject" else video
    known = {name for name in names if name is not None}
    ids = dict(person_of or {}) if key == "subject" else {}
    written = {**short_names({*ids, *known}), **{name: name for name in known}}
    given: dict[str, str] = {}
    for line, name, cell in zip(table.line, columns[key], columns["split"], strict=True):
        try:
            part = split_name(cell)
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
        if name not in written:
            raise _unknown(path, line, key, name, known)
        name = ids.get(written[name], written[name])
        if given.setdefault(name, part) != part:
            raise InputError(
                f"{path}, line {line}: {key} {name} is in two splits, {given[name]} and {part}"
            )
    return [given.get(name) if name is not None else None for name in names]


def _unknown(path: Path, line: int, key: str, name: str, known: set[str]) -> InputError:
    like = [other for other in sorted(known) if spelling_key(other) == spelling_key(name)]
    hint = f"; it knows {like[0]!r}" if like else ""
    return InputError(f"{path}, line {line}: the store knows no {key} {name!r}{hint}")
