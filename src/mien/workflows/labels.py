"""`mien.add_labels` and `mien.list_layers`: labels for faces that a store holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from mien.corpora.attach import Attached, attach_labels
from mien.corpora.imported import ImportOptions
from mien.labels.heads import heads_in
from mien.store import Store


def add_labels(
    store: str | Path,
    table: str | Path,
    *,
    layer: str,
    au_threshold: float = 0.5,
    au_scale: Literal["presence", "share", "facs"] | None = None,
    ignore: Sequence[str] = (),
) -> Attached:
    """Put a table's labels into a layer, replacing what it said of these faces.

    table: a CSV that names faces by image, or by video and frame (and track). Raises InputError for
    a table that cannot be read, names a face twice, or fits no face.
    """
    options = ImportOptions(au_threshold=au_threshold, au_scale=au_scale, ignore=tuple(ignore))
    return attach_labels(Store.open(Path(store)), Path(table), layer, options)


def list_layers(store: str | Path) -> dict[str, dict[str, Any]]:
    """Faces and heads of every label layer, in order of precedence."""
    opened = Store.open(Path(store))
    found = {}
    for layer in opened.layers:
        table = opened.layer(layer)
        columns = {
            n: pc.unique(table[n].cast(pa.string())).to_pylist()
            if pa.types.is_dictionary(table[n].type)
            else ()
            for n in table.column_names
            if n != "face_id"
        }
        heads = {head.name: list(head.outputs) for head in heads_in(columns)}
        found[layer] = {"faces": len(table), "heads": heads}
    return found


def order_layers(store: str | Path, layers: Sequence[str]) -> None:
    """Set the precedence of layers: the first named wins, those not named follow."""
    Store.open(Path(store)).order_layers(layers)
