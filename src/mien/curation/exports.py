"""Which faces of a store leave it, and as what: consent, pseudonyms, the table that goes along."""

import datetime
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.corpora.exchange import COLUMNS, KEY, SPLIT, VERSION, plain_names
from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.store import Store
from mien.store.schema import IN_CORPUS
from mien.store.shards import Pixels
from mien.store.subjects import subject_lines

PURPOSES = ("research", "publication")


@dataclass(frozen=True)
class Selection:
    """Rows of a store that are exported.

    rows: of its table. names: `person/image` names to their pseudonyms; None where names stay.
    split: that `parts` are of; None: the store's own choice.
    """

    store: Store
    rows: NDArray[np.intp]
    size: int
    names: dict[str, str] | None = None
    split: str | None = None

    @cached_property
    def parts(self) -> list[str | None]:
        """Part of every face in the split; None of faces in none, and where there is no split."""
        if not self.store.splits:
            return [None] * len(self.rows)
        return self.store.split(self.split).at(self.rows).to_list()

    @cached_property
    def pixels(self) -> Pixels:
        """The crops at the export's size."""
        return self.store.pixels(self.size)

    @cached_property
    def labels(self) -> Labels:
        """Labels of the chosen rows, layers merged by the store's order."""
        return self.store.labels().at(self.rows)

    def crops(self, places: Sequence[int] | range) -> NDArray[np.uint8]:
        """Crops of the selection's own rows, from 0."""
        return self.pixels.gather(self.rows[np.asarray(places, np.intp)])

    def column(self, name: str) -> list[str | None]:
        """A column of names, pseudonyms where that was asked."""
        found = [self.store.names(name)[row] for row in self.rows]
        if self.names is None or name not in IN_CORPUS:
            return found
        return [None if value is None else self.names[value] for value in found]

    @cached_property
    def table(self) -> pa.Table:
        """The exchange table (see `mien.corpora.exchange`)."""
        store = self.store
        whole = store.table(list(COLUMNS)).take(self.rows)
        for name in IN_CORPUS if self.names is not None else ():  # subjects.csv stays behind
            place = whole.column_names.index(name)
            whole = whole.set_column(place, name, pa.array(self.column(name), pa.string()))
        ids = store.column("face_id")[self.rows]
        place_of = {int(face): i for i, face in enumerate(ids)}
        for layer in store.layers:
            whole = _with_layer(whole, layer, store.layer(layer), place_of)
        for split in store.splits:
            parts = store.split(split).at(self.rows).to_list()
            whole = whole.append_column(f"{SPLIT}:{split}", pa.array(parts, pa.string()))
        margins: dict[str, float | None] = {}
        for entry in store.info.sources.values():
            margins.setdefault(entry["corpus"], entry.get("margin"))
        about: dict[str, Any] = {"version": VERSION, "size": self.size, "margins": margins}
        about["layers"] = list(store.layers)
        if self.names is None:
            held = set(store.ids().at(self.rows).used())
            about["subjects"] = subject_lines(store.folder / "subjects.csv", held)
        table = plain_names(whole)
        return table.replace_schema_metadata({KEY: json.dumps(about).encode()})


def _with_layer(whole: pa.Table, layer: str, table: pa.Table, place_of: dict[int, int]) -> pa.Table:
    ids = table["face_id"].to_pylist()
    mine = [(row, place_of[face]) for row, face in enumerate(ids) if face in place_of]
    index = np.full(len(whole), -1, np.int64)
    for row, place in mine:
        index[place] = row
    taken = pa.array(index, mask=index < 0)
    for name in table.column_names:
        if name != "face_id":
            whole = whole.append_column(f"{layer}:{name}", table[name].take(taken))
    return whole


def select(
    store: Store,
    *,
    part: str | None = None,
    split: str | None = None,
    size: int | None = None,
    purpose: str = "research",
    pseudonymous: bool = False,
    today: datetime.date | None = None,
) -> Selection:
    """Choose what is exported; refuses people whose consent does not cover it.

    purpose: of `PURPOSES`. A person who said no, or whose consent ended, stops the export: `mien
    forget` or another selection takes them out. One of whom nothing is stated does not. Raises
    InputError for that, with the names.
    """
    if purpose not in PURPOSES:
        raise InputError(f"purpose {purpose!r}: one of {', '.join(PURPOSES)}")
    rows = store.rows(part, split)
    if len(rows) == 0:
        raise InputError(f"{store.folder}: holds no face to export")
    _refuse_without_consent(store, rows, purpose, today or datetime.date.today())
    names = pseudonyms(store, rows) if pseudonymous else None
    return Selection(store, rows, size or store.info.size, names, split)


def _refuse_without_consent(
    store: Store, rows: NDArray[np.intp], purpose: str, today: datetime.date
) -> None:
    held = set(store.codes("subject").at(rows).used()) | set(store.ids().at(rows).used())
    people = {store.subjects.person(name) for name in held}
    why = {}
    for name, stated in store.subjects.stated.items():
        if store.subjects.person(name) not in people:
            continue
        if getattr(stated, purpose) is False:
            why[name] = f"no {purpose}"
        elif stated.until is not None and stated.until < today:
            why[name] = f"ended {stated.until.isoformat()}"
    if why:
        shown = "; ".join(f"{name} ({text})" for name, text in sorted(why.items())[:10])
        more = f"; and {len(why) - 10} more" if len(why) > 10 else ""
        raise InputError(
            f"{store.folder}: consent of {len(why)} people does not cover this export: "
            f"{shown}{more}; leave them out with `mien store filter`, or `mien forget` them"
        )


def pseudonyms(store: Store, rows: NDArray[np.intp]) -> dict[str, str]:
    """Name every person, video and image anew, by a salt that is thrown away.

    The corpus stays in front. Nobody can go back from the new names, and two exports differ.
    """
    salt = secrets.token_bytes(32)
    found = {}
    for column in IN_CORPUS:
        for name in store.codes(column).at(rows).used():
            digest = hmac.new(salt, f"{column}/{name}".encode(), hashlib.sha256).hexdigest()[:16]
            found[name] = f"{name.partition('/')[0]}/{column}-{digest}"
    return found


def label_columns(labels: Labels) -> dict[str, list[Any]]:
    """Labels by the columns of a label table, None where missing."""
    found: dict[str, list[Any]] = {}
    for head in labels.heads:
        values = labels[head.name]
        if head.kind.classes and head.name == "expression":
            best = np.where(np.isfinite(values).all(1), values.argmax(1), -1)
            found["expression"] = [head.outputs[i] if i >= 0 else None for i in best]
            continue
        for output, column in zip(head.columns, values.T, strict=False):
            found[output] = [None if np.isnan(v) else float(v) for v in column]
    return found
