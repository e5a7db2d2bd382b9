"""What a store is exported as: a file and a line for each.

A writer takes a selection, an empty folder (or the path of a file that is not there yet), and
progress.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from mien.curation.exports import Selection
from mien.progress import Progress

Writer = Callable[[Selection, Path, Progress], None]

FORMATS: dict[str, str] = {
    "folder": "PNG crops and faces.parquet; `mien import mien-folder` reads it back",
    "hdf5": "one HDF5 file of images and labels; `mien import hdf5` reads it back",
    "huggingface": "Parquet with images inside; `mien import huggingface` reads it back",
    "thesis": "the documents' folders: a folder of frames and text files of labels per video",
    "tfrecord": "TFRecord shards of tf.train.Example (bartissol-2017, section 3.2)",
    "affwild2": "cropped_aligned and annotation files as Aff-Wild2's challenges have them",
    "webdataset": "tar shards of a PNG and a JSON per face",
}
"""Name to a line of help; the code of `NAME` is `mien.curation.formats.NAME.write`."""


def writer_of(name: str) -> Writer:
    """Load a format's writer."""
    found: Writer = import_module(f"mien.curation.formats.{name}").write
    return found
