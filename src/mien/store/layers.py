"""Label layers: tables of labels by face_id, one per origin, read together into arrays by head."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.labels.heads import Head, heads_in
from mien.labels.kinds import Floats
from mien.store.names import Names
from mien.store.schema import NAME

_TYPES = {"float32": pa.float32(), "int8": pa.int8(), "name": NAME}


def layer_table(
    face_ids: NDArray[np.int64], columns: Mapping[str, Any]
) -> tuple[tuple[Head, ...], pa.Table]:
    """Turn label columns, NaN or None where unlabelled, into heads and rows of a layer.

    Raises InputError for a column of no head, for columns of other lengths than face_ids, and for
    values out of their kind's range. A column of names without any is left out.
    """
    heads = heads_in({name: _plain(values) for name, values in columns.items()})
    types = {name: kind for head in heads for name, kind in head.columns.items()}
    bounds = {name: head.kind.bounds for head in heads for name in head.columns}
    fields, arrays = [pa.field("face_id", pa.int64())], [pa.array(face_ids, pa.int64())]
    for name, values in columns.items():
        if len(values) != len(face_ids):
            raise InputError(f"labels {name}: {len(values)} values for {len(face_ids)} faces")
        if name in types:
            fields.append(pa.field(name, _TYPES[types[name]]))
            arrays.append(to_arrow(values, fields[-1].type, f"labels {name}"))
            _check_range(name, arrays[-1], *bounds[name])
        elif any(v is not None and v == v for v in values):
            raise InputError(f"labels {name}: no head has a column of this name")
    return heads, pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _check_range(name: str, values: pa.Array, low: float, high: float) -> None:
    if pa.types.is_dictionary(values.type):
        return
    found = pc.min_max(values)
    for value in (found["min"].as_py(), found["max"].as_py()):
        if value is not None and not (low <= value <= high and math.isfinite(value)):
            raise InputError(f"labels {name}: {value:g} is outside {low:g} to {high:g}")


def _plain(values: Any) -> Any:
    """Names once each: all that telling the heads needs."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return ()
    return [v for v in dict.fromkeys(values) if isinstance(v, str)]


def to_arrow(values: Any, kind: pa.DataType, what: str) -> pa.Array:
    """Turn values, NaN or None where missing, into an Arrow array.

    Names are encoded by those that occur. Raises InputError where values do not fit.
    """
    try:
        if pa.types.is_dictionary(kind):
            if isinstance(values, pa.Array | pa.ChunkedArray):
                values = values.cast(kind.value_type)
            return pa.array(values, kind.value_type, from_pandas=True).dictionary_encode()
        return pa.array(values, from_pandas=True).cast(kind)
    except (pa.ArrowException, OverflowError, TypeError) as error:
        raise InputError(f"{what}: does not fit {kind}: {error}") from error


def read_labels(
    heads: Sequence[Head],
    tables: Iterable[pa.Table],
    find: Callable[[NDArray[np.int64]], NDArray[np.intp]],
    n: int,
) -> Labels:
    """Combine layers, the first with precedence, into labels of all n faces.

    find: rows of the store's table by face_id, -1 for faces that are gone. Of each output of a face
    the first layer that says anything counts. The outputs of one choice (a name, votes) are known
    together or not at all, so that they come from one layer.
    """
    values = {head.name: np.full((n, len(head.outputs)), np.nan, np.float32) for head in heads}
    for table in tables:
        rows = find(table["face_id"].to_numpy())
        for head in heads:
            if not any(name in table.column_names for name in head.columns):
                continue
            said = _read_head(head, table)
            known = (rows >= 0) & ~np.isnan(said).all(1)
            places = rows[known]
            before = values[head.name][places]
            values[head.name][places] = np.where(np.isnan(before), said[known], before)
    return Labels(heads, values, n)


def _read_head(head: Head, table: pa.Table) -> Floats:
    """Labels (M, K) of one layer; of names each is read once."""
    types = {name: kind for name, kind in head.columns.items() if name in table.column_names}
    if set(types.values()) == {"name"} and len(types) == 1:
        (name,) = types
        codes, names = Names.of_arrow(table[name])
        each = head.read({name: [*names, None]}, len(names) + 1)
        return each[codes]
    columns = {
        name: pc.cast(table[name], pa.float32()).to_numpy() if kind != "name" else table[name]
        for name, kind in types.items()
    }
    return head.read(columns, len(table))


def labelled_rows(table: pa.Table) -> pa.Table:
    """Leave out faces of which a layer says nothing, and columns that say nothing of any."""
    names = [n for n in table.column_names if n != "face_id" and table[n].null_count < len(table)]
    known = np.zeros(len(table), bool)
    for name in names:
        known |= pc.is_valid(table[name]).to_numpy()
    return table.select(["face_id", *names]).filter(pa.array(known))


def replaced_rows(old: pa.Table, new: pa.Table) -> pa.Table:
    """Rows of a layer after `new` has said something of some of its faces.

    Columns of `new` take the place of the old ones, null included; other columns stay.
    """
    if len(old) == 0:
        return new
    old = old.unify_dictionaries()
    place = pc.index_in(new["face_id"], pa.array(old["face_id"].to_numpy()))
    for name in old.column_names:
        if name not in new.column_names:
            new = new.append_column(name, old[name].combine_chunks().take(place))
    return new
