"""Lists of links: one URL to a line, a CSV or an Excel sheet with URLs in front of its labels.

EmotioNet's tables (bartissol-2017, section 3.1) hold a URL, or a URL and the original one, and 60
Action Units that are 0, 1 or 999. Some of their URLs hold commas and are not quoted: whatever
stands before a row's labels is its URLs.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import InputError

LONGEST = 200
"""Bytes of a file's name without its suffix: file systems take 255, temporary names need some."""

_WEB = re.compile(r"https?://", re.IGNORECASE)
_LABEL = re.compile(r"[+-]?\d*\.?\d*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Link:
    """A row of a list. urls: of one picture, first choice first. cells: what follows them."""

    line: int
    urls: tuple[str, ...]
    cells: tuple[str, ...] = ()


def read_links(path: Path) -> tuple[list[Link], list[str]]:
    """Read a list in its own order; returns links and notes on rows that hold none.

    A URL that an earlier row has is left out, and noted. Raises InputError for a file that cannot
    be read or holds no link at all.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'is not a file' if path.exists() else 'does not exist'}")
    rows = _sheet(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _lines(path)
    links: list[Link] = []
    without: list[int] = []
    double: list[int] = []
    seen: set[str] = set()
    for line, cells in rows:
        urls, rest = _parted(cells)
        if not urls:
            without += [line] if any(cells) else []
        elif urls[0] in seen:
            double.append(line)
        else:
            seen.add(urls[0])
            links.append(Link(line, urls, rest))
    if not links:
        raise InputError(f"{path}: holds no http:// or https:// link")
    notes = []
    if without and without != [1]:
        shown = ", ".join(map(str, without[:5]))
        notes.append(f"{len(without)} rows without a link (line {shown})")
    if double:
        shown = ", ".join(map(str, double[:5]))
        notes.append(f"{len(double)} rows repeat a link (line {shown}): the first counts")
    return links, notes


def _parted(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part a row into its URLs and what follows; cells of one URL are put together again."""
    cells = [cell.strip().strip("'\"").strip() for cell in cells]
    first = next((i for i, cell in enumerate(cells) if _WEB.match(cell)), None)
    if first is None:
        return (), ()
    end = len(cells)
    while end > first + 1 and _LABEL.fullmatch(cells[end - 1]):
        end -= 1
    if end == len(cells):  # no labels at the end: the URL is a cell of its own
        end = first + 1
        while end < len(cells) and _WEB.match(cells[end]):
            end += 1
    urls: list[str] = []
    for cell in cells[first:end]:
        if _WEB.match(cell) or not urls:
            urls.append(cell)
        else:
            urls[-1] += f",{cell}"
    return tuple(dict.fromkeys(urls)), tuple(cells[end:])


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8: {error}") from error
    head = text[:4096]
    delimiter = "\t" if "\t" in head else ";" if head.count(";") > 3 * head.count(",") else ","
    for line, record in enumerate(text.splitlines(), start=1):
        if record.lstrip().startswith("#"):
            continue
        if delimiter not in record:
            yield line, [record]
            continue
        try:
            yield line, next(csv.reader([record], delimiter=delimiter, skipinitialspace=True))
        except (csv.Error, StopIteration):
            yield line, record.split(delimiter)


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        for line, row in enumerate(book.active.iter_rows(values_only=True), start=1):
            yield line, ["" if cell is None else str(cell) for cell in row]
    except Exception as error:
        raise InputError(f"{path}: is not an Excel sheet that can be read ({error})") from error


def picture_name(url: str) -> str:
    """Name of a URL's picture, without a suffix; no two URLs share one, whatever the file system.

    bartissol-2017's rule (dots dropped, slashes to underscores, the beginning cut) may give two
    URLs one name; ours keeps what can be read of it and adds 64 bits of the URL's SHA-256.
    """
    readable = _WEB.sub("", url).replace(".", "").replace("/", "_")
    readable = _UNSAFE.sub("-", readable).strip("-_")
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable[-(LONGEST - 17) :]}-{digest}".lstrip("-")
