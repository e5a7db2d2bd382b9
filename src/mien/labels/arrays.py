"""Labels and predictions of many faces: a mapping from head to array, what is missing marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.labels.heads import Head
from mien.labels.kinds import Floats

Rows = NDArray[np.intp] | NDArray[np.bool_] | slice


class HeadArrays(Mapping[str, Floats]):
    """Head's name to a float32 array (N, K), K its outputs; NaN where nothing is known."""

    def __init__(self, heads: Sequence[Head], values: Mapping[str, Floats], n: int) -> None:
        self.heads, self.n = tuple(heads), n
        self._values = {head.name: values[head.name] for head in self.heads}

    def __getitem__(self, name: str) -> Floats:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        """Number of heads, as of any mapping; `n` is the number of faces."""
        return len(self._values)

    def head(self, name: str) -> Head | None:
        """The head of this name, or None."""
        return next((head for head in self.heads if head.name == name), None)

    def column(self, name: str, output: str) -> Floats:
        """One output of one head, (N,); NaN where there is no such head or output."""
        head = self.head(name)
        if head is None or output not in head.outputs:
            return np.full(self.n, np.nan, np.float32)
        return self._values[name][:, head.outputs.index(output)]

    def aligned(self, heads: Sequence[Head]) -> dict[str, Floats]:
        """The arrays of other heads: NaN where this has no such head or output.

        Faces that a head of votes leaves out take the one name that they have, if any.
        """
        found = {}
        for head in heads:
            values = self._of(head.name, head)
            if head.kind.fallback is not None:
                values = np.where(np.isnan(values), self._of(head.kind.fallback, head), values)
            found[head.name] = values
        return found

    def _of(self, name: str, wanted: Head) -> Floats:
        """The arrays of head `name`, with the outputs of `wanted`."""
        mine = self.head(name)
        if mine is None:
            return np.full((self.n, len(wanted.outputs)), np.nan, np.float32)
        return mine.kind.align(self._values[name], mine.outputs, wanted.outputs)


class Labels(HeadArrays):
    """What is known of N faces, by head."""

    def at(self, rows: Rows) -> "Labels":
        """The labels of the faces at `rows` (indices, a mask or a slice)."""
        values = {name: array[rows] for name, array in self.items()}
        return Labels(self.heads, values, len(np.empty(self.n, np.bool_)[rows]))

    def of(self, heads: Sequence[Head]) -> "Labels":
        """The same faces with the outputs of other heads, in their order."""
        return Labels(heads, self.aligned(heads), self.n)


@dataclass(frozen=True)
class Learned:
    """Which outputs of a recogniser ever saw a label: the others say nothing.

    outputs: by head's name; a head that is not named learned none. shares: of heads with classes or
    units, how often each output is shown in training, (K,); known while training alone.
    """

    outputs: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, Floats] = field(default_factory=dict, compare=False, repr=False)

    def mask(self, head: Head) -> NDArray[np.bool_]:
        """(K,) True where the output was learned."""
        known = self.outputs.get(head.name, ())
        return np.array([output in known for output in head.outputs], bool)


class Predictions(HeadArrays):
    """What a recogniser says of N faces, by head; NaN in the outputs that it never learned.

    fake: (N,) probability of being generated, of a discriminator; NaN where there is none.
    """

    def __init__(
        self,
        heads: Sequence[Head],
        values: Mapping[str, Floats],
        n: int,
        fake: Floats | None = None,
    ) -> None:
        super().__init__(heads, values, n)
        self.fake = np.full(n, np.nan, np.float32) if fake is None else fake

    @classmethod
    def decoded(
        cls,
        heads: Sequence[Head],
        raw: Mapping[str, Floats],
        learned: Learned,
        fake: Floats | None = None,
    ) -> "Predictions":
        """Decode raw outputs (N, width) of every head; hides what was never learned."""
        values = {}
        n = 0 if fake is None else len(fake)
        for head in heads:
            found = head.kind.decode(raw[head.name]).copy()
            found[:, ~learned.mask(head)] = np.nan
            values[head.name], n = found, len(found)
        return cls(heads, values, n, fake)

    def at(self, faces: Rows) -> "Predictions":
        """The predictions of some of the faces."""
        fake = self.fake[faces]
        values = {name: array[faces] for name, array in self.items()}
        return Predictions(self.heads, values, len(fake), fake)


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of several batches, one after the other; at least one."""
    first = parts[0]
    values = {name: np.concatenate([part[name] for part in parts]) for name in first}
    fake = np.concatenate([part.fake for part in parts])
    return Predictions(first.heads, values, len(fake), fake)
