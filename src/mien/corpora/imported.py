"""What every import is told and tells."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from mien.errors import check_name
from mien.progress import Progress
from mien.ranges import FRAME_RATE, THRESHOLD
from mien.store import Store


@dataclass(frozen=True)
class ImportOptions:
    """Choices of the person who imports.

    corpus: begins the names of its subjects, videos and images; the folder's name by default.
    labels: a word on where the labels come from ("silver: ..."), kept in the log. au_threshold: a
    real-valued unit at or above it is present. skip_missing: leave out rows whose image is not
    there instead of refusing. ignore: names (with * and ?) of columns to leave out. csv: name of
    the CSV in the folder. follow_links: images may be links to files elsewhere. fps: of the frame
    grid, for videos. au_scale: presence (0 or 1), share (of full intensity, 0 to 1) or facs
    (intensities of 0 to 5); None tells it from the columns' names and values. find_faces: cut
    pictures anew around the detector's box.

    Raises InputError for a threshold, frame rate or scale that is none.
    """

    au_threshold: float = 0.5
    labels: str = ""
    skip_missing: bool = False
    ignore: tuple[str, ...] = ()
    csv: str | None = None
    follow_links: bool = False
    fps: float = 30.0
    au_scale: Literal["presence", "share", "facs"] | None = None
    corpus: str | None = None
    find_faces: bool = False

    def __post_init__(self) -> None:
        THRESHOLD.check("au_threshold", self.au_threshold)
        FRAME_RATE.check("fps", self.fps)
        if self.au_scale is not None:
            check_name("au_scale", self.au_scale, ("presence", "share", "facs"))

    def corpus_of(self, path: Path) -> str:
        """Name of the corpus in this folder."""
        return self.corpus or path.resolve().name


@dataclass
class ImportSummary:
    """What came of an import. heads: the outputs that it labels, by head. failed: image or
    video to the reason it could not be read. notes: what to know of how the labels were read.
    """

    source: str
    rows: int = 0
    faces: int = 0
    heads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ignored_columns: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def note_lost(self, lost: Mapping[str, int]) -> None:
        """Say which labels of other layers went with the faces that they were of."""
        for layer, labels in lost.items():
            self.notes.append(
                f"warning: layer {layer!r} had labels on {labels} faces that the import has no more"
            )


class Corpus(Protocol):
    """A kind of corpus: its layout and its sentinels end in the file that implements this."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe the arguments that this kind alone has."""

    def run(
        self, path: Path, store: Store, args: argparse.Namespace, progress: Progress
    ) -> ImportSummary:
        """Import the corpus at `path`. args: those above, and `corpus_name` and `labels`."""
