"""A column of names as codes: what comparing, counting and grouping a million faces needs."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


class Names(NamedTuple):
    """N names. codes: (N,) int32, index into `names`, -1 for null. names: each once."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str | None]) -> "Names":
        """Encode names one by one."""
        place: dict[str, int] = {}
        codes = [-1 if v is None else place.setdefault(v, len(place)) for v in values]
        return cls(np.array(codes, np.int32), tuple(place))

    @classmethod
    def of_arrow(cls, column: pa.ChunkedArray) -> "Names":
        """Encode a column of a table."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        whole = column.unify_dictionaries().combine_chunks()
        if isinstance(whole, pa.ChunkedArray):  # of no chunk at all
            whole = pa.array([], column.type)
        codes = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False)
        return cls(codes.astype(np.int32, copy=False), tuple(whole.dictionary.to_pylist()))

    def where(self, name: str) -> NDArray[np.bool_]:
        """(N,) True where the name is this one."""
        if name not in self.names:
            return np.zeros(len(self.codes), bool)
        return np.asarray(self.codes == self.names.index(name))

    def at(self, rows: NDArray[np.intp]) -> "Names":
        """The names at `rows`."""
        return Names(self.codes[rows], self.names)

    def used(self) -> tuple[str, ...]:
        """The names that occur, in order of `names`."""
        return tuple(self.names[i] for i in np.flatnonzero(self.counts()))

    def counts(self) -> NDArray[np.intp]:
        """How often each name occurs."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))

    def renamed(self, rename: Callable[[str], str]) -> "Names":
        """Give every name another; names that become equal become one."""
        new = [rename(name) for name in self.names]
        if new == list(self.names):
            return self
        place: dict[str, int] = {}
        table = np.array([place.setdefault(name, len(place)) for name in new] + [-1], np.int32)
        return Names(table[self.codes], tuple(place))

    def to_list(self) -> list[str | None]:
        """Names as Python strings, None for null."""
        values: tuple[str | None, ...] = (*self.names, None)
        return [values[code] for code in self.codes.tolist()]


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Ways to write names of the form corpus/name: in full, or without corpus where one fits."""
    short: dict[str, list[str]] = {}
    for name in names:
        short.setdefault(name.partition("/")[2], []).append(name)
    return {
        **{part: found[0] for part, found in short.items() if part and len(found) == 1},
        **{name: name for found in short.values() for name in found},
    }


def pairs(*columns: NDArray[np.int32]) -> NDArray[np.int32]:
    """Distinct rows (P, C) of several columns of codes, those with a negative code too."""
    table = np.stack(columns, axis=1)
    if len(table) == 0:
        return table
    changes = np.flatnonzero((table[1:] != table[:-1]).any(1)) + 1
    runs = table[np.concatenate([[0], changes])]  # neighbours are mostly of one video
    key = np.zeros(len(runs), np.int64)
    for column in runs.T:
        key = key * (int(column.max()) + 2) + column + 1
        if key.size and int(key.max()) > 2**31:  # keep products of several columns within 64 bits
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
    _, first = np.unique(key, return_index=True)
    return np.asarray(runs[first], np.int32)
