"""EmotioNet's annotated list (Fabian Benitez-Quiroz et al. 2016): URLs of pictures, 60 columns of
Action Units, and a folder of what could be downloaded of them.

    PATH/*.xlsx (or .csv, .txt; or --list)      URL, [URL of the original,] AU 1 ... AU 60
    PATH/images/... (or PATH/..., or --images)  pictures, named after their URLs

A unit is 1 (active), 0 or 999: occluded or not annotated, which is missing here. Cells may be in
literal quotes (`'AU 1'`), and a URL may hold commas that were not quoted: a row is read from its
end. Only 11 units are annotated; the others are 999 in almost every row, so reading 999 as 0 makes
a high accuracy of nothing (bartissol-2017, Tables 3 and 4; `--undefined absent` does so). Pictures
are found by the names that `mien download images` gives them, and by bartissol-2017's own rule.
"""

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.corpora.imported import ImportOptions, ImportSummary
from mien.corpora.pictures import FaceFinder, read_crops
from mien.download.links import picture_name, read_links
from mien.errors import InputError
from mien.labels.action_units import EMOTIONET_AUS, FACS, column
from mien.labels.heads import heads_in
from mien.media.names import shown
from mien.progress import Progress, silent
from mien.store import Store

UNITS = 60
UNDEFINED = 999
SUFFIXES = ("jpg", "jpeg", "png", "gif", "bmp", "webp", "tif", "tiff")
LISTS = (".xlsx", ".csv", ".txt", ".tsv")
LONGEST = 250
"""Characters of a file's name that most systems take (bartissol-2017, section 3.1.3)."""


def bartissol_name(url: str, suffix: str) -> str:
    """The same by bartissol-2017, section 3.1.3: dots dropped, / to _, the type appended, the
    beginning cut beyond 250 characters. Two URLs may share one (a.b/c and ab/c)."""
    name = f"{url.replace('.', '').replace('/', '_')}.{suffix}"
    return name[-LONGEST:]


@dataclass(frozen=True)
class Listed:
    """A row of the list. urls: of the picture. units: (60,) 1, 0, NaN where undefined."""

    line: int
    urls: tuple[str, ...]
    units: NDArray[np.float32]


class EmotioNet:
    """The corpus kind `emotionet`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe which list, which units, and where the pictures lie."""
        parser.add_argument("--list", help="the list in the folder (its only .xlsx, .csv, .txt)")
        parser.add_argument("--images", type=Path, metavar="DIR", help="where the pictures lie")
        parser.add_argument(
            "--units", choices=("all", "11"), default="all",
            help="11: the annotated ones, of faces that have them all (bartissol-2017, 4.3)",
        )  # fmt: skip
        parser.add_argument(
            "--undefined", choices=("missing", "absent"), default="missing",
            help="what 999 is; absent is bartissol-2017's reading of its first experiment",
        )  # fmt: skip
        parser.add_argument(
            "--find-faces",
            action="store_true",
            help="cut the pictures around the detector's box, as faces of videos are",
        )

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import as `import_emotionet` does."""
        options = ImportOptions(
            labels=args.labels, corpus=args.corpus_name, csv=args.list, find_faces=args.find_faces
        )
        reading = Reading(args.units == "11", args.undefined == "absent", args.images)
        return import_emotionet(path, store, options, reading, progress)


@dataclass(frozen=True)
class Reading:
    """only_11: the annotated units alone, of faces that have them all. absent: 999 is 0. images:
    the folder of the pictures; None: `images` beside the list, or the list's own."""

    only_11: bool = False
    absent: bool = False
    images: Path | None = None


def import_emotionet(
    path: Path,
    store: Store,
    options: ImportOptions,
    reading: Reading | None = None,
    progress: Progress = silent,
) -> ImportSummary:
    """Add the listed pictures that are there; raises InputError for a list that is not EmotioNet's,
    and where two URLs would be one picture."""
    started, reading = time.perf_counter(), reading or Reading()
    listing = _list_file(path, options.csv)
    corpus = options.corpus_of(listing.parent)
    place = shown(listing.resolve())
    store.refuse_other_corpus(corpus, "emotionet", place, options.corpus is not None)
    rows = read_list(listing)
    summary = ImportSummary(corpus, rows=len(rows))
    rows, units = _chosen(rows, reading, summary)
    files = _files(rows, reading.images or _pictures_beside(listing), summary)
    kept = [i for i, file in enumerate(files) if file is not None]
    finder = FaceFinder() if options.find_faces else None
    with store.new_shard() as crops:
        done = read_crops(files, kept, crops, progress, finder)
        summary.failed = done.failed
        if done.not_found:
            summary.notes.append(f"no face found in {len(done.not_found)} pictures: cut whole")
        if not done.rows:
            raise InputError(f"{shown(path)}: none of its {len(kept)} pictures could be read")
        labels = _labels([rows[i] for i in done.rows], units)
        summary.faces = len(done.rows)
        summary.heads = {head.name: head.outputs for head in heads_in(labels)}
        summary.seconds = round(time.perf_counter() - started, 3)
        boxes = np.array(done.boxes, np.float32).T
        told = store.commit(
            corpus,
            corpus=corpus,
            kind="emotionet",
            crops=crops,
            faces={
                "image": [file.name for i in done.rows if (file := files[i])],
                **dict(zip(("x0", "y0", "x1", "y1"), boxes, strict=True)),
            },
            labels={corpus: labels},
            summary=asdict(summary),
            settings={**asdict(options), "only_11": reading.only_11, "absent": reading.absent},
            path=place,
            margin=finder.margin if finder else None,
        )
    summary.note_lost(told.lost)
    return summary


def read_list(path: Path) -> list[Listed]:
    """Rows of a list, Excel's or text; InputError, with the line, for a row that is none.

    One column of URLs or two, a header or none. The last 60 cells are the units; a number before
    them is of a URL that held a comma.
    """
    rows = []
    for link in read_links(path)[0]:
        cells = [cell.strip() for cell in link.cells]
        while len(cells) > UNITS and cells[-1] == "":
            cells.pop()
        where = f"{shown(path)}, line {link.line}"
        if len(cells) < UNITS:
            raise InputError(
                f"{where}: {len(cells)} cells behind the URL; {UNITS} Action Units belong there"
            )
        units = np.array([_unit(where, i, c) for i, c in enumerate(cells[-UNITS:])], np.float32)
        whole = ",".join((link.urls[-1], *cells[:-UNITS]))
        rows.append(Listed(link.line, tuple(dict.fromkeys((*link.urls, whole))), units))
    return rows


def _unit(where: str, place: int, cell: str) -> float:
    if cell in ("0", "1", "0.0", "1.0"):
        return float(cell)
    if cell in (str(UNDEFINED), f"{UNDEFINED}.0", ""):
        return float("nan")
    raise InputError(f"{where}: AU {place + 1} is {cell!r}; 0, 1 and {UNDEFINED} are known")


def _list_file(path: Path, name: str | None) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"{shown(path)}: is neither a folder nor a list")
    if name:
        if not (path / name).is_file():
            raise InputError(f"{shown(path / name)}: does not exist")
        return path / name
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in LISTS)
    if len(found) != 1:
        raise InputError(f"{shown(path)}: holds {len(found)} lists; name one with --list")
    return found[0]


def _pictures_beside(listing: Path) -> Path:
    beside = listing.parent / "images"
    return beside if beside.is_dir() else listing.parent


def _chosen(
    rows: list[Listed], reading: Reading, summary: ImportSummary
) -> tuple[list[Listed], list[int]]:
    """Rows and units that the reading keeps; says what is left out."""
    numbers = EMOTIONET_AUS if reading.only_11 else range(1, UNITS + 1)
    units = [number for number in numbers if number in FACS]
    all_units = np.stack([row.units for row in rows])
    undefined = int(np.isnan(all_units).sum())
    share = undefined / all_units.size
    summary.notes.append(f"{undefined:,} of {all_units.size:,} cells are undefined ({share:.0%})")
    if reading.only_11:
        eleven = all_units[:, [u - 1 for u in units]]
        whole = np.flatnonzero((~np.isnan(eleven)).all(1))
        if left := len(rows) - len(whole):
            summary.notes.append(f"{left} pictures lack one of the 11 units: left out")
        rows = [rows[i] for i in whole]
        if not rows:
            raise InputError("no picture of the list has all of the 11 units")
    elif nameless := [n for n in numbers if n not in FACS and (all_units[:, n - 1] >= 0).any()]:
        summary.notes.append(
            f"columns AU {', '.join(map(str, nameless))}: no units in FACS, not kept"
        )
    if reading.absent:
        rows = [Listed(r.line, r.urls, np.nan_to_num(r.units)) for r in rows]
        summary.notes.append(
            "warning: undefined units are taken for absent, as bartissol-2017 did and warns of: "
            "accuracies will be high, whatever is learned"
        )
    return rows, units


def _files(rows: list[Listed], folder: Path, summary: ImportSummary) -> list[Path | None]:
    """The picture of each row, by either rule; counts rows without one."""
    if not folder.is_dir():
        raise InputError(f"{shown(folder)}: is no folder")
    by_stem: dict[str, Path] = {}
    for found in sorted(folder.iterdir()):
        if found.is_file() and not found.is_symlink() and found.suffix.lower()[1:] in SUFFIXES:
            by_stem[found.stem] = found
    files = [_file(row.urls, by_stem) for row in rows]
    owners: dict[Path, Listed] = {}
    for row, file in zip(rows, files, strict=True):
        if file is not None and (before := owners.setdefault(file, row)) is not row:
            raise InputError(
                f"{shown(file)}: is the picture of two rows, lines {before.line} and {row.line}; "
                "bartissol-2017's names are not one to one: rename, or take one row away"
            )
    summary.missing = [row.urls[0] for row, file in zip(rows, files, strict=True) if file is None]
    if all(file is None for file in files):
        raise InputError(f"{shown(folder)}: holds none of the {len(rows)} pictures listed")
    return files


def _file(urls: tuple[str, ...], by_stem: dict[str, Path]) -> Path | None:
    """Find a picture by mien's rule, then by bartissol-2017's, which takes commas out of URLs."""
    for url in urls:
        if (ours := by_stem.get(picture_name(url))) is not None:
            return ours
    for url in dict.fromkeys((*urls, *(url.replace(",", "") for url in urls))):
        for suffix in SUFFIXES:
            theirs = by_stem.get(bartissol_name(url, suffix).rpartition(".")[0])
            if theirs is not None and theirs.suffix.lower()[1:] == suffix:
                return theirs
    return None


def _labels(rows: list[Listed], units: list[int]) -> dict[str, NDArray[np.float32]]:
    """Presence of each unit that some face is labelled with."""
    values = np.stack([row.units for row in rows])
    found = {column(unit): values[:, unit - 1] for unit in units}
    return {name: v for name, v in found.items() if not np.isnan(v).all()}
