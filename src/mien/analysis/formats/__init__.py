"""Forms in which a table of an analysis is written. To add one: a file, and a line in `FORMATS`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mien.analysis.affect_table import SUFFIXES, AffectTable, write_table
from mien.analysis.formats.elan import write_elan
from mien.analysis.formats.openface import write_openface, write_openface_spaced
from mien.analysis.formats.pyfeat import write_pyfeat
from mien.analysis.formats.textgrid import write_textgrid
from mien.analysis.formats.webvtt import write_webvtt
from mien.errors import InputError, check_name


class Writer(Protocol):
    """Writes a table whole or not at all; raises InputError where it holds no such thing."""

    def __call__(self, path: Path, table: AffectTable) -> None:
        """Write the file."""


@dataclass(frozen=True)
class Format:
    """suffixes: of its files, the first of them given to files of a folder. single: it holds one
    input only. timed: it is made of times, which photographs have not.
    """

    write: Callable[[Path, AffectTable], None]
    suffixes: tuple[str, ...]
    title: str
    single: bool = True
    timed: bool = False


FORMATS: dict[str, Format] = {
    "mien": Format(write_table, SUFFIXES, "mien's own columns, as CSV or Parquet", single=False),
    "openface": Format(write_openface, (".csv",), "the columns of OpenFace 2"),
    "openface-spaces": Format(
        write_openface_spaced, (".csv",), "the same, a space after each comma, as older ones have"
    ),
    "pyfeat": Format(write_pyfeat, (".csv",), "the columns of py-feat", single=False),
    "elan": Format(write_elan, (".eaf",), "tiers of ELAN", timed=True),
    "textgrid": Format(write_textgrid, (".textgrid",), "tiers of Praat", timed=True),
    "webvtt": Format(write_webvtt, (".vtt",), "expressions as subtitles", timed=True),
}


def format_of(path: Path, name: str | None = None) -> str:
    """Name of the format to write a path in: the one named, or that of its suffix.

    Raises InputError for an unknown format, and where the suffix does not fit it.
    """
    if name is not None:
        check_name("format", name, FORMATS)
        if not path.is_dir() and path.suffix.lower() not in FORMATS[name].suffixes:
            wanted = " or ".join(FORMATS[name].suffixes)
            raise InputError(
                f"{path}: its name should end in {wanted}, as {name} does, "
                "or be a folder that is there"
            )
        return name
    if path.is_dir():
        return "mien"
    for known, form in FORMATS.items():
        if path.suffix.lower() in form.suffixes:
            return known
    endings = dict.fromkeys(s for form in FORMATS.values() for s in form.suffixes)
    raise InputError(
        f"{path}: its name should end in {' or '.join(endings)}, or be a folder that is there"
    )
