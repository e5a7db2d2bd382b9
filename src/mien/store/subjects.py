"""subjects.csv: who the people of a store are, as far as anybody says; edited by people.

A line per subject: `id` (corpus/name, as in the faces' column `subject`), `person`, `sex`, `age`,
`research`, `publication`, `until` and `notes`; all but the first may be empty. Two ids with one
`person` are one person, and so is an id that names another id as its person. `research` and
`publication` say what the person agreed to (yes or no), `until` when that ends (2031-12-31).
"""

import csv
import datetime
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.atomic import replacing, write_text
from mien.errors import InputError

COLUMNS = ("id", "person", "sex", "age", "research", "publication", "until", "notes")
_YES_NO = {"yes": True, "y": True, "true": True, "1": True} | {
    **{"no": False, "n": False, "false": False, "0": False},
}


@dataclass(frozen=True)
class Subject:
    """What is stated of one subject; None where nothing is. age: in years."""

    id: str
    person: str | None = None
    sex: str | None = None
    age: float | None = None
    research: bool | None = None
    publication: bool | None = None
    until: datetime.date | None = None
    notes: str = ""


@dataclass(frozen=True)
class Subjects:
    """The content of subjects.csv, by id."""

    stated: Mapping[str, Subject] = field(default_factory=dict)

    @property
    def aliases(self) -> bool:
        """Whether any subject is said to be another person."""
        return any(subject.person for subject in self.stated.values())

    def person(self, name: str) -> str:
        """Return the one name under which a subject's person is known in the store."""
        while name in self.stated and self.stated[name].person not in (None, name):
            name = str(self.stated[name].person)
        return name


def create(path: Path) -> None:
    """Write a file without a line, to be filled in."""
    write_text(path, ",".join(COLUMNS) + "\n")


def read_subjects(path: Path) -> Subjects:
    """Read subjects.csv; an absent one states nothing. InputError names the first line wrong.

    Commas, semicolons or tabs, capitals in the header, blank lines and columns of one's own are
    all right.
    """
    found: dict[str, Subject] = {}
    for line, row in _rows(path):
        where = f"{path}, line {line}"
        name = row.get("id", "")
        if not name:
            raise InputError(f"{where}: has no id (corpus/name)")
        if name in found:
            raise InputError(f"{where}: {name} has two lines; keep one")
        found[name] = Subject(
            name,
            row.get("person") or None,
            row.get("sex") or None,
            _age(where, row.get("age", "")),
            _yes_no(where, "research", row.get("research", "")),
            _yes_no(where, "publication", row.get("publication", "")),
            _date(where, row.get("until", "")),
            row.get("notes", ""),
        )
    _refuse_circles(path, found)
    return Subjects(found)


def remove_subjects(path: Path, names: set[str]) -> None:
    """Take out the lines of these ids, and of those whose person is one of them."""
    if not path.exists():
        return
    _, delimiter = _text(path)
    rows = [row for _, row in _rows(path)]
    kept = [row for row in rows if not {row.get("id"), row.get("person")} & names]
    if len(kept) < len(rows):
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        write_text(path, out.getvalue())


def set_cells(path: Path, cells: Mapping[tuple[str, str], str]) -> None:
    """Write cells by id and column, with lines and columns that the file lacks.

    Raises InputError, and writes nothing, where the file would be wrong then.
    """
    if not cells:
        return
    header, delimiter = _text(path)
    rows = [row for _, row in _rows(path)] if header.strip() else []
    columns = list(rows[0]) if rows else list(COLUMNS)
    columns += [c for c in dict.fromkeys(column for _, column in cells) if c not in columns]
    by_id = {row["id"]: row for row in rows}
    for (name, column), value in cells.items():
        if name not in by_id:
            by_id[name] = {"id": name}
            rows.append(by_id[name])
        by_id[name][column] = " ".join(value.split())
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=delimiter, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(path) as temporary:
        temporary.write_text(out.getvalue(), encoding="utf-8")
        try:
            read_subjects(temporary)
        except InputError as error:
            raise InputError(str(error).replace(str(temporary), str(path))) from error


def subject_lines(path: Path, names: set[str]) -> list[dict[str, str]]:
    """Lines of these ids, and of those that are their person, cells by column."""
    rows = [row for _, row in _rows(path)]
    people = {row.get("person", "") for row in rows if row.get("id") in names}
    return [row for row in rows if row.get("id") in names | people]


def add_subjects(path: Path, lines: Sequence[Mapping[str, str]]) -> None:
    """Add lines of ids that the file has none of; columns it lacks are left out."""
    header, delimiter = _text(path)
    rows = [row for _, row in _rows(path)] if header.strip() else []
    known = {row.get("id") for row in rows}
    new = [line for line in lines if line.get("id") not in known]
    if not new:
        return
    columns = list(rows[0]) if rows else list(COLUMNS)
    out = io.StringIO()
    writer = csv.DictWriter(
        out, columns, delimiter=delimiter, lineterminator="\n", extrasaction="ignore", restval=""
    )
    writer.writeheader()
    writer.writerows([*rows, *new])
    write_text(path, out.getvalue())


def _text(path: Path) -> tuple[str, str]:
    """The file's text, and by what its cells are parted."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return "", ","
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read; save it as CSV in UTF-8 ({error})") from error
    header = text.partition("\n")[0]
    return text, max(",;\t", key=header.count)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of every line that has any."""
    text, delimiter = _text(path)
    if not text.strip():
        return []
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header: list[str] = []
    rows = []
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if not any(cells):
                continue
            if not header:
                header = [name.lower() for name in cells]
                continue
            if any(cells[len(header) :]):
                raise InputError(f"{path}, line {reader.line_num}: more cells than the header has")
            cells += [""] * (len(header) - len(cells))
            rows.append((reader.line_num, dict(zip(header, cells, strict=False))))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: cannot be read: {error}") from error
    if "id" not in header:
        raise InputError(f"{path}: has no column id; its columns are {', '.join(COLUMNS)}")
    return rows


def _yes_no(where: str, column: str, text: str) -> bool | None:
    if not text:
        return None
    if text.lower() not in _YES_NO:
        raise InputError(f"{where}: {column} is {text!r}; write yes, no, or nothing")
    return _YES_NO[text.lower()]


def _age(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        age = float(text.replace(",", "."))
    except ValueError:
        age = float("nan")
    if not 0 <= age <= 150:
        raise InputError(f"{where}: age is {text!r}; write years, or nothing")
    return age


def _date(where: str, text: str) -> datetime.date | None:
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{where}: until is {text!r}; write it as 2031-12-31") from None


def _refuse_circles(path: Path, found: Mapping[str, Subject]) -> None:
    for name in found:
        seen = [name]
        while seen[-1] in found and found[seen[-1]].person not in (None, seen[-1]):
            following = str(found[seen[-1]].person)
            if following in seen:
                raise InputError(f"{path}: {' is '.join([*seen, following])}: a circle of persons")
            seen.append(following)
