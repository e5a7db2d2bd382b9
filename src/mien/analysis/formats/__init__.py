"""Forms in which a table of an analysis is written. To add one: a file, and a line in `FORMATS`.

Their code is loaded when it is used: the command line lists names alone.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mien.errors import InputError, check_name

if TYPE_CHECKING:
    from mien.analysis.affect_table import AffectTable

TABLES = (".csv", ".parquet")
"""Suffixes of mien's own table."""


class Writer(Protocol):
    """Writes a table whole or not at all; raises InputError where it holds no such thing."""

    def __call__(self, path: Path, table: "AffectTable") -> None:
        """Write the file."""


@dataclass(frozen=True)
class Format:
    """place: `module:function` of its `Writer`. suffixes: of its files, the first of them given to
    files of a folder. single: it holds one input only. timed: it is made of times, which
    photographs have not.
    """

    place: str
    suffixes: tuple[str, ...]
    title: str
    single: bool = True
    timed: bool = False

    def write(self, path: Path, table: "AffectTable") -> None:
        """Write a table, whole or not at all."""
        module, _, name = self.place.partition(":")
        writer: Writer = getattr(import_module(f"mien.analysis.{module}"), name)
        writer(path, table)


FORMATS: dict[str, Format] = {
    "mien": Format(
        "affect_table:write_table", TABLES, "mien's own columns, as CSV or Parquet", single=False
    ),
    "openface": Format("formats.openface:write_openface", (".csv",), "the columns of OpenFace 2"),
    "openface-spaces": Format(
        "formats.openface:write_openface_spaced",
        (".csv",),
        "the same, a space after each comma, as older ones have",
    ),
    "pyfeat": Format(
        "formats.pyfeat:write_pyfeat", (".csv",), "the columns of py-feat", single=False
    ),
    "elan": Format("formats.elan:write_elan", (".eaf",), "tiers of ELAN", timed=True),
    "textgrid": Format(
        "formats.textgrid:write_textgrid", (".textgrid",), "tiers of Praat", timed=True
    ),
    "webvtt": Format(
        "formats.webvtt:write_webvtt", (".vtt",), "expressions as subtitles", timed=True
    ),
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
