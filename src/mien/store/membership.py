"""Who is in a split: kept with a run, so that nobody it was trained on is ever tested."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.store.splits import refuse_shared
from mien.store.store import Store

Members = dict[str, list[str]]
"""Names of people, videos and images, by kind."""
KINDS_OF_MEMBERS = ("subject", "video", "image")
KEPT = (*KINDS_OF_MEMBERS, "subject_id")
"""What a run keeps of them: people by their ids in the corpora too."""


def describe_split(store: Store, rows: NDArray[np.intp], labels: Labels) -> dict[str, Any]:
    """Describe the faces at `rows`: their number, people, videos, images, and a digest.

    labels: of the whole store. The digest changes with any face or label.
    """
    digest = digest_of(store, rows, labels.at(rows))
    return {"faces": len(rows), "digest": digest, **members(store, rows)}


def digest_of(store: Store, rows: NDArray[np.intp], chosen: Labels) -> str:
    """Digest of the faces at `rows` and of their labels, which are those of these rows alone."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(store.column("face_id")[rows].tobytes())
    for head in sorted(chosen.heads, key=lambda head: head.name):
        digest.update(repr((head.name, head.outputs)).encode())
        digest.update(chosen[head.name].tobytes())
    return digest.hexdigest()


def members(store: Store, rows: NDArray[np.intp]) -> dict[str, list[str]]:
    """Names of the people and videos at `rows`, and of images that name neither.

    `subject_id`: the people's names in their corpora, which hold whatever subjects.csv says later.
    """
    found = {name: store.codes(name).at(rows) for name in KINDS_OF_MEMBERS}
    nameless = (found["subject"].codes < 0) & (found["video"].codes < 0)
    found["image"] = found["image"].at(np.flatnonzero(nameless))
    found["subject_id"] = store.ids().at(rows)
    return {kind: sorted(names.used()) for kind, names in found.items()}


def merged_members(data: Mapping[str, Any], more: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Add people, videos and images, by kind, to what is known of a run's training faces."""
    merged = {kind: sorted({*data.get(kind, ()), *names}) for kind, names in more.items()}
    return {**data, **merged}


def refuse_leaks(store: Store, split: str | None = None) -> None:
    """Raise InputError, with the names, where a split (None: the default) shares a person."""
    refuse_shared(
        str(store.folder), store.split(split), store.codes("subject"), store.codes("video")
    )


def refuse_trained_on(
    run: object, trained: Mapping[str, Sequence[str]], store: Store, rows: NDArray[np.intp]
) -> None:
    """Raise InputError, with the names, where a run was trained on people it is to be tested on.

    trained: people, videos and images by kind, as `describe_split` has them.
    """
    seen = {kind: set(trained.get(kind, ())) for kind in KINDS_OF_MEMBERS}
    ids = seen["subject"] | set(trained.get("subject_id", ()))
    seen["subject"] |= {store.subjects.person(name) for name in ids}
    tested = members(store, rows)
    shared = [f"{k} {name}" for k in KINDS_OF_MEMBERS for name in tested[k] if name in seen[k]]
    if shared:
        shown = ", ".join(shared[:10]) + (f" and {len(shared) - 10} more" if shared[10:] else "")
        raise InputError(
            f"{run}: was trained on {len(shared)} of these people or videos, so this would be no "
            f"test: {shown}; the split was changed since, train again"
        )
