"""What a store holds, counted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.labels.arrays import Labels
from mien.labels.heads import Head, head_to_dict
from mien.labels.kinds import THRESHOLD, Floats, likeliest
from mien.store.names import Names
from mien.store.store import Store

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def statistics(store: Store, split: str | None = None) -> dict[str, Any]:
    """Count faces, people and videos, and every head's labels, in all and per part of a split.

    split: as for `Store.split`. A head's outputs are counted or, where they are continuous, told by
    mean and quantiles.
    """
    labels = store.labels()
    everything = store.rows(None)
    people = store.codes("subject")
    order = np.argsort(-people.counts(), kind="stable")
    return {
        "store": str(store.folder),
        "size": store.info.size,
        "heads": [head_to_dict(head) for head in store.heads],
        "layers": list(store.layers),
        "splits": list(store.splits),
        "all": _summary(store, labels, everything),
        "parts": _parts(store, labels, split) if store.splits else {},
        "faces_per_person": {people.names[i]: int(people.counts()[i]) for i in order},
        "sources": {name: dict(entry) for name, entry in store.info.sources.items()},
    }


def _parts(store: Store, labels: Labels, split: str | None) -> dict[str, Any]:
    parts = store.split(split)
    found = {
        name: _summary(store, labels, np.flatnonzero(parts.where(name)))
        for name in sorted(parts.used())
    }
    left = np.flatnonzero((parts.codes < 0) & ~store.excluded)
    return {**found, "unassigned": _summary(store, labels, left)} if len(left) else found


def _summary(store: Store, labels: Labels, rows: NDArray[np.intp]) -> dict[str, Any]:
    chosen = labels.at(rows)
    return {
        "faces": len(rows),
        "people": _distinct(store.codes("subject"), rows),
        "videos": _distinct(store.codes("video"), rows),
        "labels": {head.name: _of_head(head, chosen[head.name]) for head in chosen.heads},
    }


def _distinct(names: Names, rows: NDArray[np.intp]) -> int:
    return int(np.count_nonzero(names.at(rows).counts()))


def _of_head(head: Head, values: Floats) -> dict[str, Any]:
    if not head.kind.counted:
        return {o: _quantiles(v) for o, v in zip(head.outputs, values.T, strict=True)}
    if not head.kind.classes:
        return {o: _presence(v) for o, v in zip(head.outputs, values.T, strict=True)}
    best = likeliest(values)
    named = {output: int((best == i).sum()) for i, output in enumerate(head.outputs)}
    return {**named, "unlabelled": int((best < 0).sum())}


def _presence(values: Floats) -> dict[str, int]:
    return {
        "present": int((values >= THRESHOLD).sum()),
        "absent": int((values < THRESHOLD).sum()),
        "unlabelled": int(np.isnan(values).sum()),
    }


def _quantiles(values: Floats) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    quantiles = np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), np.nan)
    return {
        "labelled": len(known),
        "mean": float(known.mean()) if len(known) else float("nan"),
        "quantiles": {f"{q:g}": float(v) for q, v in zip(QUANTILES, quantiles, strict=True)},
    }
