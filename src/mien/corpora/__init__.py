"""Public and private corpora on disk, one file each: its layout and sentinels end here.

To add one: a file with a class like `folder.Folder`, and a line here.
"""

from mien.corpora.actors import Actors
from mien.corpora.folder import Folder
from mien.corpora.imported import Corpus

CORPORA: dict[str, Corpus] = {
    "actors": Actors(),
    "folder": Folder(),
}
