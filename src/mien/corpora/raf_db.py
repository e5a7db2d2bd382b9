"""RAF-DB, basic expressions (Li et al. 2017).

PATH/list_patition_label.txt (or EmoLabel/...)      `train_00001.jpg 5`
PATH/Image/aligned/train_00001_aligned.jpg          (or aligned/, or PATH)
"""

import argparse
from pathlib import Path

from mien.corpora.labelled_pictures import (
    LabelledPictures,
    Picture,
    Read,
    inside,
    lines_of,
    numbered,
    whole_of,
)
from mien.errors import InputError
from mien.media.names import shown

CLASSES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""Numbered from 1."""
LISTS = ("list_patition_label.txt", "list_partition_label.txt")
PLACES = ("", "aligned", "Image/aligned", "basic/Image/aligned", "original", "Image/original")


class RafDb(LabelledPictures):
    """The corpus kind `raf-db`."""

    kind = "raf-db"
    citation = "Li, Deng & Du 2017, Reliable Crowdsourcing and Deep Locality-Preserving Learning"
    terms = "a password from its authors; research only"
    verified = False

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read the list, and find each picture, aligned ones first."""
        table = next((f for n in LISTS for f in path.rglob(n) if f.is_file()), None)
        if table is None:
            raise InputError(f"{shown(path)}: holds no {LISTS[0]}")
        found = Read([])
        for number, cells in numbered(lines_of(table)):
            if len(cells) != 2:
                raise InputError(f"{shown(table)}, line {number}: is not `picture class`")
            name, code = cells[0], whole_of(table, number, cells[1])
            if not 1 <= code <= len(CLASSES):
                raise InputError(f"{shown(table)}, line {number}: class {code} is none of 1 to 7")
            part = "train" if name.startswith("train") else "test"
            found.rows += 1
            stem, _, suffix = name.rpartition(".")
            names = (f"{stem}_aligned.{suffix}", name)
            file = next((f for n in names for p in PLACES if (f := inside(path / p, n))), None)
            if file is None:
                found.missing.append(name)
                continue
            labels = {"expression": CLASSES[code - 1]}
            found.pictures.append(Picture(file, labels, image=name, split=part))
        return found
