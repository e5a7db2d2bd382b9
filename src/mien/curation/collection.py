"""A store as its collectors see it: batches, people and their sex, frames, sources' own counts."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.corpora.table_file import read_table
from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.labels.kinds import THRESHOLD
from mien.store import Store
from mien.store.files import log_file
from mien.store.names import Names, short_names

Rows = NDArray[np.intp]
MALE, FEMALE, NOT_STATED = "male", "female", "not stated"
SEXES = (MALE, FEMALE, NOT_STATED)
_SPELLINGS = {"m": MALE, "male": MALE, "man": MALE, "f": FEMALE, "female": FEMALE, "woman": FEMALE}


@dataclass
class Collection:
    """What statistics, data card and advice are made of.

    split: part of every face; None where the store has none. batch: collection batch of every face;
    the corpora where nobody says otherwise.
    """

    store: Store
    split: Names | None
    batch: Names
    _sexes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, store: Store, split: str | None = None, batches: Path | None = None
    ) -> "Collection":
        """Look at a store. batches: a CSV of `video` (or `subject`) and `batch`.

        Raises InputError for a split that is not there and a CSV of no use.
        """
        parts = store.split(split) if store.splits or split else None
        batch = store.codes("corpus") if batches is None else _read_batches(store, batches)
        return cls(store, parts, batch)

    @cached_property
    def labels(self) -> Labels:
        """All labels."""
        return self.store.labels()

    @cached_property
    def people(self) -> Names:
        """The person of every face."""
        return self.store.codes("subject")

    @cached_property
    def videos(self) -> Names:
        """The video of every face."""
        return self.store.codes("video")

    @cached_property
    def sex(self) -> list[str]:
        """Sex of each of the names of `people`, as subjects.csv states it."""
        store = self.store
        said: dict[str, str] = {}
        for name, stated in store.subjects.stated.items():
            if stated.sex:
                sex = _SPELLINGS.get(stated.sex.strip().lower(), NOT_STATED)
                said.setdefault(store.subjects.person(name), sex)
        return [said.get(name, NOT_STATED) for name in self.people.names]

    @cached_property
    def units(self) -> tuple[tuple[str, ...], NDArray[np.bool_], NDArray[np.bool_]]:
        """Names of units, whether each face shows them (N, K) and is labelled with them (N, K)."""
        head = self.labels.head("au")
        if head is None:
            none = np.zeros((self.labels.n, 0), bool)
            return (), none, none
        values = self.labels["au"]
        return head.outputs, values >= THRESHOLD, ~np.isnan(values)

    @cached_property
    def first_of_frame(self) -> NDArray[np.bool_]:
        """(N,) True for one face of every frame, and for every photograph."""
        found = np.ones(len(self.store), bool)
        filmed = np.flatnonzero(self.videos.codes >= 0)
        frame = self.store.column("frame")[filmed].astype(np.int64)
        key = self.videos.codes[filmed].astype(np.int64) * (int(frame.max(initial=0)) + 2) + frame
        found[filmed] = False
        found[filmed[np.unique(key, return_index=True)[1]]] = True
        return found

    def sexes(self, rows: Rows) -> dict[str, int]:
        """People among the faces at `rows`, by sex."""
        used = np.flatnonzero(self.people.at(rows).counts())
        found = [self.sex[i] for i in used]
        return {sex: found.count(sex) for sex in SEXES}

    def groups(self, names: Names | None) -> dict[str, Rows]:
        """Rows by name, in order of the names; rows without a name are left out."""
        if names is None:
            return {}
        order = np.argsort(names.codes, kind="stable")
        ends = np.searchsorted(names.codes[order], np.arange(len(names.names) + 1))
        return {
            name: order[ends[i] : ends[i + 1]]
            for i, name in enumerate(names.names)
            if ends[i + 1] > ends[i]
        }

    @cached_property
    def parts(self) -> dict[str, Rows]:
        """Rows of each part of the split: train, val, test first."""
        found = self.groups(self.split)
        order = [name for name in ("train", "val", "test") if name in found]
        return {name: found[name] for name in (*order, *sorted(set(found) - set(order)))}

    @cached_property
    def batches(self) -> dict[str, Rows]:
        """Rows of each batch."""
        return self.groups(self.batch)

    @cached_property
    def logs(self) -> dict[str, dict[str, float]]:
        """By video: its `frames` before faces were looked for, and its `seconds`, as it was read.

        A source without a log, or one that is no video, is not there.
        """
        found = {}
        for source, entry in self.store.info.sources.items():
            if entry["kind"] != "video":
                continue
            try:
                log = json.loads(log_file(self.store.folder, source).read_text("utf-8"))
                told = log["summary"]
                found[source] = {key: float(told[key]) for key in ("frames", "seconds")}
            except (OSError, ValueError, LookupError, TypeError):
                continue
        return found


def _read_batches(store: Store, path: Path) -> Names:
    table = read_table(path, "batch")
    key = next((name for name in ("video", "subject", "corpus") if name in table.header), None)
    if key is None or "batch" not in table.header:
        raise InputError(f"{path}: needs the columns video (or subject, or corpus) and batch")
    names = store.codes(key)
    known = short_names(names.names)
    known |= {name: name for name in names.names}
    known |= {
        name.partition("/")[2].rpartition(".")[0]: name for name in names.names if "." in name
    }
    columns, batch = table.columns(), dict[str, str]()
    for cell, said, line in zip(columns[key], columns["batch"], table.line, strict=True):
        if cell not in known:
            raise InputError(f"{path}, line {line}: {store.folder} has no {key} {cell!r}")
        if batch.setdefault(known[cell], said) != said:
            raise InputError(f"{path}, line {line}: {cell} is in two batches")
    order = tuple(dict.fromkeys(said for said in columns["batch"] if said))
    of = [order.index(batch[n]) if batch.get(n) else -1 for n in names.names]
    return Names(np.array([*of, -1], np.int32)[names.codes], order)
