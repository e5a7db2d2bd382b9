"""Public and private corpora on disk, one file each: its layout and sentinels end here.

To add one: a file with an import function like `folder.import_folder`, and a line here.
"""

from collections.abc import Callable
from pathlib import Path

from mien.corpora.actors import import_actors
from mien.corpora.folder import import_folder
from mien.corpora.imported import ImportOptions, ImportSummary
from mien.progress import Progress
from mien.store import Store

CORPORA: dict[str, Callable[[Path, Store, ImportOptions, Progress], ImportSummary]] = {
    "actors": import_actors,
    "folder": import_folder,
}
