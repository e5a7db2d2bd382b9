"""A table as people's programs write it: bytes to a header and rows of text.

Read where there is one way to read it, and said in the notes where that is not plain UTF-8 with
commas: UTF-16, Windows-1252, semicolons or tabs, the index column of `DataFrame.to_csv`, empty
columns at the end. Everything else is refused with a line of what to do.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import InputError

MISSING = frozenset(
    {"", "nan", "-nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "none", "1.#ind", "-1.#ind"}
)
"""What programs write into a cell without a value, in lower case."""

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.I | re.ASCII)
_TYPOGRAPHY = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u20ac\u00b0")
_NO_LETTERS_OF_NAMES = frozenset("\u00aa\u00ba\u00b5\u0192")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass
class TableFile:
    """A table as text. header: names of the columns, stripped and distinct. rows: their cells,
    stripped, as many as the header has. line: where each row begins in the file, from 1. notes:
    what a reader should know of how the file was read.
    """

    header: list[str]
    rows: list[list[str]] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def columns(self) -> dict[str, list[str]]:
        """Name to cells, one per row."""
        return {name: [row[i] for row in self.rows] for i, name in enumerate(self.header)}


def read_table(path: Path, wanted: str) -> TableFile:
    """Read a table of at least one row; blank lines are passed over.

    wanted: a column that the table should have: it decides where a header could be cut in several
    ways. Raises InputError for a file that cannot be read, or not in one way only.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    text, notes = _text(path, data)
    if not text.strip():
        raise InputError(f"{path}: is empty")
    told = _SEPARATOR_LINE.match(text)
    text = text[told.end() :] if told else text
    delimiter = told[1] if told else _delimiter(path, text, wanted)
    if delimiter not in _DELIMITERS:
        raise InputError(f"{path}, line 1: cells are parted by , ; or tabs, not by {delimiter!r}")
    if delimiter != ",":
        notes.append(f"cells are parted by {_DELIMITERS[delimiter]}")
    records = [
        (line, cells)
        for line, cells in _records(path, text, delimiter, 2 if told else 1)
        if any(cells)
    ]
    if not records:
        raise InputError(f"{path}: is empty")
    if len(records) == 1:
        raise InputError(f"{path}: has a header and no rows")
    table = TableFile(records[0][1], [r for _, r in records[1:]], [n for n, _ in records[1:]])
    table.notes = notes
    _cut_empty_ends(path, table)
    _drop_unnamed_columns(path, table)
    _check(path, table)
    return table


def number(cell: str) -> float | None:
    """Return the number that a cell holds, its decimals after a point or a comma, or None."""
    return float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell) else None


def likely_doubles(names: set[str]) -> list[list[str]]:
    """Group names that differ only in zeros in front, `.0` behind, case or Unicode's normal form.

    They may be one person in two spellings: `1`, `001` and `1.0`; or not.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(spelling_key(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def spelling_key(name: str) -> str:
    """Return what likely doubles share."""
    text = unicodedata.normalize("NFC", name).casefold()
    text = re.sub(r"(?a)^(\d+)\.0+$", r"\1", text)
    return re.sub(r"(?a)(?<![\d.])0+(?=\d)", "", text)


def _text(path: Path, data: bytes) -> tuple[str, list[str]]:
    if data.startswith(b"PK\x03\x04"):
        raise InputError(f"{path}: is an Excel workbook or an archive; save the table as CSV")
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "")):
        if data.startswith(mark):
            text = _decoded(path, data, encoding or "utf-8-sig")
            return text, ["read as UTF-16"] if encoding else []
    half = len(data) / 2
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if data[first::2].count(0) > half / 4 > 8 * data[1 - first :: 2].count(0):
            return _decoded(path, data, encoding), ["read as UTF-16"]
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        western = _western(data)
        if western is None:
            raise InputError(
                f"{path}, line {line}: is not UTF-8, nor clearly Windows-1252; save the file as "
                "UTF-8"
            ) from None
    word = next(w for w in re.split(r"[,;\t\r\n\"]+", western) if not w.isascii())
    return western, [
        f"not UTF-8, read as Windows-1252: check that {word.strip()!r} is spelled right"
    ]


def _decoded(path: Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
        raise InputError(
            f"{path}: begins as {name} and is not, at byte {error.start}; save it as UTF-8"
        ) from None


def _western(data: bytes) -> str | None:
    """Decode Windows-1252 where the result looks like it: letters, not many of them in a row.

    Other alphabets, and UTF-8 with damage, come out as rows of accented letters or as signs.
    """
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    for run in set(_NOT_ASCII.findall(text)):
        letters = all(
            c in _TYPOGRAPHY or (c.isalpha() and c not in _NO_LETTERS_OF_NAMES) for c in run
        )
        if len(run) > 2 or not letters:
            return None
    return text


def _delimiter(path: Path, text: str, wanted: str) -> str:
    """Tell by what the header's cells are parted."""
    headers: dict[str, list[str]] = {}
    for delimiter in _DELIMITERS:
        try:
            headers[delimiter] = next(c for _, c in _records(path, text, delimiter, 1) if any(c))
        except (InputError, StopIteration):
            continue
    several = [d for d, cells in headers.items() if len(cells) > 1]
    if len(several) > 1:
        several = [d for d in several if wanted in headers[d]]
        if len(several) != 1:
            raise InputError(
                f"{path}, line 1: cannot tell by what the cells are parted; use commas alone, or "
                "put names that hold , ; or tabs into double quotes"
            )
    return several[0] if several else ","


def _records(
    path: Path, text: str, delimiter: str, first_line: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line at which a record begins and its cells, stripped."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    line = first_line
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = first_line + reader.line_num
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: cannot be read as CSV: {error}; is a double quote left open?"
        ) from error


def _cut_empty_ends(path: Path, table: TableFile) -> None:
    """Leave out what delimiters at the ends of lines add: cells without a name or a value."""
    width = len(table.header)
    while width and not table.header[width - 1]:
        width -= 1
    cut = width < len(table.header)
    for row, line in zip(table.rows, table.line, strict=True):
        if len(row) < width or any(row[width:]):
            found, hint = len(row), ""
            if len(row) > width and re.search(r"\d,\d", ",".join(row)):
                hint = "; cells that hold a comma (0,5) go into double quotes"
            raise InputError(f"{path}, line {line}: {found} cells where {width} belong{hint}")
        cut |= len(row) > width
        del row[width:]
    del table.header[width:]
    if cut:
        table.notes.append("empty columns at the ends of the lines are left out")


def _drop_unnamed_columns(path: Path, table: TableFile) -> None:
    """Leave out columns without a name: numbers in front (an index), or nothing."""
    for i in reversed([i for i, name in enumerate(table.header) if not name]):
        cells = [row[i] for row in table.rows]
        index = i == 0 and all(cell.isascii() and cell.isdigit() for cell in cells)
        if not index and any(cells):
            raise InputError(
                f"{path}, line 1: column {i + 1} holds values ({next(filter(None, cells))!r}) and "
                "has no name; name it, or delete it"
            )
        kind = "an index without a name" if index else "empty and without a name"
        table.notes.append(f"column {i + 1} is left out: {kind}")
        for cells in (table.header, *table.rows):
            del cells[i]


def _check(path: Path, table: TableFile) -> None:
    where: dict[str, int] = {}
    for i, name in enumerate(table.header):
        if name in where:
            raise InputError(
                f"{path}, line 1: two columns have the same name, {name!r}; rename or delete one"
            )
        where[name] = i
    for row, line in zip(table.rows, table.line, strict=True):
        if any("\0" in cell for cell in row):
            name = next(n for n, cell in zip(table.header, row, strict=True) if "\0" in cell)
            raise InputError(f"{path}, line {line}: {name} holds a NUL byte: the file is damaged")
