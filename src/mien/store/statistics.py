"""What a store holds, counted."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.labels.action_units import column
from mien.labels.arrays import LabelArrays
from mien.store.store import Store

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def statistics(store: Store) -> dict[str, Any]:
    """Count faces per split, person, video, unit and expression; quantiles of valence, arousal."""
    labels = store.labels()
    splits = store.names("split")
    by_split = {}
    for name in sorted({s for s in splits if s}) + ([None] if None in splits else []):
        chosen = np.array([s == name for s in splits], bool)
        by_split[name or "unassigned"] = _summary(store, labels, np.flatnonzero(chosen))
    people = Counter(s for s in store.names("subject") if s)
    return {
        "store": str(store.folder),
        "size": store.info.size,
        "aus": list(store.info.aus),
        "expressions": list(store.info.expressions),
        "all": _summary(store, labels, np.arange(len(store))),
        "splits": by_split,
        "faces_per_person": dict(people.most_common()),
        "sources": {key: dict(entry) for key, entry in store.info.sources.items()},
    }


def _summary(store: Store, labels: LabelArrays, rows: NDArray[np.intp]) -> dict[str, Any]:
    part = labels[rows]
    table = store.table.take(rows)
    return {
        "faces": len(rows),
        "people": len({s for s in table["subject"].to_pylist() if s}),
        "videos": len({v for v in table["video"].to_pylist() if v}),
        "au": {
            column(au): {
                "present": int((part.au[:, i] == 1).sum()),
                "absent": int((part.au[:, i] == 0).sum()),
                "unlabelled": int((part.au[:, i] < 0).sum()),
            }
            for i, au in enumerate(part.aus)
        },
        "expression": {
            **{e: int((part.expression == i).sum()) for i, e in enumerate(part.expressions)},
            "unlabelled": int((part.expression < 0).sum()),
        },
        "valence": _quantiles(part.valence_arousal[:, 0]),
        "arousal": _quantiles(part.valence_arousal[:, 1]),
    }


def _quantiles(values: NDArray[np.float32]) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    quantiles = np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), np.nan)
    return {
        "labelled": len(known),
        "mean": float(known.mean()) if len(known) else float("nan"),
        "quantiles": {f"{q:g}": float(v) for q, v in zip(QUANTILES, quantiles, strict=True)},
    }
