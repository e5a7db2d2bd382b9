"""Public and private corpora on disk, one file each: its layout and sentinels end here.

To add one: a file with a class like `folder.Folder`, and a line here.
"""

import argparse
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.corpora.imported import Corpus, ImportSummary
    from mien.progress import Progress
    from mien.store import Store


@dataclass(frozen=True)
class Registered:
    """A corpus kind whose code is loaded when it is used. place: `module:class`."""

    place: str

    def load(self) -> "Corpus":
        """The kind itself."""
        module, _, name = self.place.partition(":")
        found: Corpus = getattr(import_module(f"mien.corpora.{module}"), name)()
        return found

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe the arguments that this kind alone has."""
        self.load().add_arguments(parser)

    def run(
        self, path: Path, store: "Store", args: argparse.Namespace, progress: "Progress"
    ) -> "ImportSummary":
        """Import the corpus at `path`."""
        return self.load().run(path, store, args, progress)


CORPORA = {
    "actors": Registered("actors:Actors"),
    "affectnet": Registered("affectnet:AffectNet"),
    "affwild": Registered("affwild:AffWild"),
    "affwild2": Registered("affwild2:AffWild2"),
    "afew-va": Registered("afew_va:AfewVa"),
    "benroumpi": Registered("documents:Benroumpi"),
    "ck+": Registered("ckplus:CkPlus"),
    "disfa": Registered("disfa:Disfa"),
    "disfaplus": Registered("disfa:DisfaPlus"),
    "emotionet": Registered("emotionet:EmotioNet"),
    "fer2013": Registered("fer2013:Fer2013"),
    "ferplus": Registered("ferplus:FerPlus"),
    "folder": Registered("folder:Folder"),
    "hdf5": Registered("exchange:Hdf5"),
    "huggingface": Registered("exchange:HuggingFace"),
    "mien-folder": Registered("exchange:MienFolder"),
    "raf-db": Registered("raf_db:RafDb"),
    "s-affwild2": Registered("affwild2:SAffWild2"),
    "thesis": Registered("documents:Thesis"),
}
