"""What every import is told and tells."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class ImportOptions:
    """Choices of the person who imports.

    au_threshold: a real-valued unit at or above it is present. labels: a word on where the labels
    come from ("silver: ..."), kept in store.json. skip_missing: leave out rows whose image is not
    there instead of refusing. ignore: names (with * and ?) of columns to leave out. csv: name of
    the CSV in the folder. follow_links: images may be links to files elsewhere. fps:
    of the frame grid, for videos. au_scale: presence (0 or 1), share (of full intensity, 0 to 1) or
    facs (intensities of 0 to 5); None tells it from the columns' names and values.
    """

    au_threshold: float = 0.5
    labels: str = ""
    skip_missing: bool = False
    ignore: tuple[str, ...] = ()
    csv: str | None = None
    follow_links: bool = False
    fps: float = 30.0
    au_scale: Literal["presence", "share", "facs"] | None = None


@dataclass
class ImportSummary:
    """What came of an import. failed: image to the reason it could not be read. notes: what to
    know of how the labels were read.
    """

    source: str
    rows: int = 0
    faces: int = 0
    aus: list[str] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
