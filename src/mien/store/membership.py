"""Who is in a split: kept with a run, so that nobody it was trained on is ever tested."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.arrays import LabelArrays
from mien.store.store import Store

_NAMES = ("subject", "video", "image")


def describe_split(store: Store, rows: NDArray[np.intp], labels: LabelArrays) -> dict[str, Any]:
    """Describe the faces at `rows`: their number, people, videos, images, and a digest.

    labels: of the whole store. The digest changes with any face or label, in any order.
    """
    chosen = labels[rows]
    digest = hashlib.blake2b(digest_size=16)
    for part in (
        np.asarray(store.table["face_id"].to_numpy()[rows]),
        chosen.valence_arousal,
        chosen.au,
        chosen.expression,
    ):
        digest.update(np.ascontiguousarray(part).tobytes())
    return {"faces": len(rows), "digest": digest.hexdigest(), **_members(store, rows)}


def _members(store: Store, rows: NDArray[np.intp]) -> dict[str, list[str]]:
    """Names of the people and videos at `rows`, and of images that name neither."""
    columns = {name: store.table[name].take(rows).to_pylist() for name in _NAMES}
    nameless = [
        image
        for subject, video, image in zip(*columns.values(), strict=True)
        if subject is None and video is None and image is not None
    ]
    named = {name: sorted({v for v in columns[name] if v}) for name in ("subject", "video")}
    return {**named, "image": sorted(set(nameless))}


def refuse_trained_on(
    run: object, trained: Mapping[str, Sequence[str]], store: Store, rows: NDArray[np.intp]
) -> None:
    """Raise InputError, with the names, where a run was trained on people it is to be tested on."""
    shared = [
        f"{kind} {name}"
        for kind, names in _members(store, rows).items()
        for name in sorted(set(names) & set(trained.get(kind, ())))
    ]
    if shared:
        shown = ", ".join(shared[:10]) + (f" and {len(shared) - 10} more" if shared[10:] else "")
        raise InputError(
            f"{run}: was trained on {len(shared)} of these people or videos, so this would be no "
            f"test: {shown}; the split was changed since, train again"
        )
