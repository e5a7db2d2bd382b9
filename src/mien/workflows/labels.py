"""`mien.add_labels` and `mien.list_layers`: labels for faces that a store holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from mien.corpora.attach import Attached, attach_labels
from mien.corpora.imported import ImportOptions
from mien.corpora.rated import FORMS, RatedOptions, attach_rated
from mien.errors import InputError, unknown_name
from mien.labels.heads import heads_in
from mien.store import Store

TABLE = "table"
"""The format of a CSV that names faces itself."""


def add_labels(
    store: str | Path,
    files: str | Path | Sequence[str | Path],
    *,
    layer: str,
    format: str = TABLE,
    au_threshold: float = 0.5,
    au_scale: Literal["presence", "share", "facs"] | None = None,
    ignore: Sequence[str] = (),
    rated: RatedOptions | None = None,
) -> Attached:
    """Put what files say of a store's faces into a layer, replacing what it said of these faces.

    files: a CSV that names faces by image, or by video and frame (and track); or raters' files of
    one of the formats of `mien.corpora.rated.FORMS`, named by their videos. rated: how those are
    read. Raises InputError for files that cannot be read, name a face twice, or fit no face.
    """
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
    if format not in (TABLE, *FORMS):
        raise unknown_name("format", format, (TABLE, *FORMS))
    if not paths:
        raise InputError("name a file of labels")
    opened = Store.open(Path(store))
    if format != TABLE:
        return attach_rated(opened, paths, layer, format, rated or RatedOptions())
    if len(paths) > 1:
        raise InputError(f"{paths[1]}: tables of labels are added one at a time")
    options = ImportOptions(au_threshold=au_threshold, au_scale=au_scale, ignore=tuple(ignore))
    return attach_labels(opened, paths[0], layer, options)


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
