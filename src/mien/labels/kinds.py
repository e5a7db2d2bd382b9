"""Kinds of heads: what a label of that kind is, and how raw outputs become what a person reads.

Every label is a float32 array (N, K), NaN where unlabelled, K the number of the head's outputs;
every prediction has the same shape, NaN where the recogniser never saw a label. To add a kind: a
class here and a line in `KINDS`, its loss in `losses/heads.py`, its scores in `metrics/heads.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Columns = Mapping[str, Any]
"""Column of a label layer to its N values; a missing one is NaN, None or a negative integer."""

THRESHOLD = 0.5
"""Probability from which a binary output counts as present."""
LEVELS = 5
"""Steps of an ordinal output: intensity runs from 0 (absent) over A = 1 to E = 5."""


class Kind(Protocol):
    """What all heads of one kind share. `outputs`: the names of a head's K outputs."""

    classes: bool
    """Whether the outputs exclude each other: a softmax; else each is labelled by itself."""
    counted: bool
    """Whether a face shows an output or does not: labels are counted; else they are continuous."""
    bounds: tuple[float, float]
    """Least and largest value of a label, as a layer holds it."""
    fallback: str | None
    """Head whose labels stand in for faces that this one does not label."""

    def width(self, outputs: Sequence[str]) -> int:
        """Number of raw outputs of a network."""

    def decode(self, raw: Floats) -> Floats:
        """Turn raw outputs (N, width) into what a person reads (N, K)."""

    def columns(self, name: str, outputs: Sequence[str]) -> dict[str, str]:
        """Columns of a label layer to their type: `float32`, `int8` (0 or 1) or `name`."""

    def outputs_in(self, name: str, columns: Columns) -> tuple[str, ...]:
        """Names of the outputs that a layer's columns label, in any order."""

    def read(self, name: str, outputs: Sequence[str], columns: Columns, n: int) -> Floats:
        """Turn a layer's columns into labels (n, K)."""

    def align(self, values: Floats, have: Sequence[str], want: Sequence[str]) -> Floats:
        """Return labels or predictions (N, K) of the outputs `have` as (N, K') of `want`."""

    def table_columns(self, name: str, outputs: Sequence[str]) -> list[str]:
        """Columns of the table of an analysis."""

    def table_values(self, predicted: Floats, outputs: Sequence[str]) -> list[list[Any]]:
        """Values of these columns, each a list of N; None where there is nothing to say."""


def plain(values: Any) -> Floats:
    """Turn a column of numbers, or of numbers and None, into float32 with NaN."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        found = values.astype(np.float32)
        if values.dtype.kind == "i":
            found[values < 0] = np.nan
        return found
    return np.array([np.nan if v is None else v for v in values], np.float32)


def _stacked(outputs: Sequence[str], columns: Columns, form: str, n: int) -> Floats:
    found = np.full((n, len(outputs)), np.nan, np.float32)
    for i, output in enumerate(outputs):
        if (name := form.format(output)) in columns:
            found[:, i] = plain(columns[name])
    return found


def _picked(values: Floats, have: Sequence[str], want: Sequence[str]) -> Floats:
    found = np.full((len(values), len(want)), np.nan, np.float32)
    for i, output in enumerate(want):
        if output in have:
            found[:, i] = values[:, have.index(output)]
    return found


def cells(values: Floats) -> list[float | None]:
    """Plain floats, None for NaN."""
    return [None if np.isnan(v) else float(v) for v in values]


def sigmoid(x: Floats) -> Floats:
    """Logistic function, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)


def softmax(x: Floats) -> Floats:
    """Softmax over the last axis."""
    shifted = np.exp(x - x.max(-1, keepdims=True, initial=-np.inf))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True), np.float32)


def likeliest(values: Floats) -> NDArray[np.intp]:
    """Index of the largest of each row (N,); -1 where a row holds NaN or there is no column."""
    if values.shape[1] == 0:
        return np.full(len(values), -1, np.intp)
    unknown = np.isnan(values).any(1)
    return np.where(unknown, -1, np.nan_to_num(values).argmax(1)).astype(np.intp)


class Independent:
    """K outputs, each labelled or not by itself. form: name of an output's column in a layer."""

    classes = False
    counted = False
    bounds = (0.0, 1.0)
    fallback: str | None = None
    form = "{}"
    stored = "float32"

    def width(self, outputs: Sequence[str]) -> int:
        """One raw output each."""
        return len(outputs)

    def columns(self, name: str, outputs: Sequence[str]) -> dict[str, str]:
        """A column each."""
        return {self.form.format(output): self.stored for output in outputs}

    def outputs_in(self, name: str, columns: Columns) -> tuple[str, ...]:
        """Every column of this form."""
        before, _, after = self.form.partition("{}")
        return tuple(
            c[len(before) : len(c) - len(after)]
            for c in columns
            if c.startswith(before) and c.endswith(after)
        )

    def read(self, name: str, outputs: Sequence[str], columns: Columns, n: int) -> Floats:
        """Stack the columns; NaN for those that are not there."""
        return _stacked(outputs, columns, self.form, n)

    def align(self, values: Floats, have: Sequence[str], want: Sequence[str]) -> Floats:
        """Pick columns; NaN for outputs that are not there."""
        return _picked(values, have, want)


class Regression(Independent):
    """Continuous values in [-1, 1]; raw outputs are the values."""

    bounds = (-1.0, 1.0)

    def decode(self, raw: Floats) -> Floats:
        """Return the raw outputs as they are: they may leave [-1, 1]."""
        return np.asarray(raw, np.float32)

    def table_columns(self, name: str, outputs: Sequence[str]) -> list[str]:
        """The outputs' names."""
        return list(outputs)

    def table_values(self, predicted: Floats, outputs: Sequence[str]) -> list[list[Any]]:
        """The values."""
        return [cells(column) for column in predicted.T]


class Binary(Independent):
    """Presence, 0 or 1; raw outputs are logits, predictions probabilities."""

    counted = True
    stored = "int8"

    def decode(self, raw: Floats) -> Floats:
        """Probability of presence."""
        return sigmoid(raw)

    def table_columns(self, name: str, outputs: Sequence[str]) -> list[str]:
        """`AU12_p`, probability, and `AU12_c`, presence 0 or 1."""
        return [f"{output}_{kind}" for output in outputs for kind in ("p", "c")]

    def table_values(self, predicted: Floats, outputs: Sequence[str]) -> list[list[Any]]:
        """Probability and presence of each output."""
        found: list[list[Any]] = []
        for column in predicted.T:
            shares = cells(column)
            found += [shares, [None if p is None else int(p >= THRESHOLD) for p in shares]]
        return found


class Ordinal(Independent):
    """Intensity from 0 to 5. Each output has five raw ones: logits of being above 0, 1, 2, 3, 4.

    The prediction is the sum of their probabilities, the expected intensity (Niu et al. 2016,
    "Ordinal regression with multiple output CNN for age estimation").
    """

    bounds = (0.0, float(LEVELS))
    form = "{}_r"

    def width(self, outputs: Sequence[str]) -> int:
        """Five raw outputs each."""
        return LEVELS * len(outputs)

    def decode(self, raw: Floats) -> Floats:
        """Expected intensity, 0 to 5."""
        above = sigmoid(raw).reshape(len(raw), raw.shape[1] // LEVELS, LEVELS)
        return np.asarray(above.sum(2), np.float32)

    def table_columns(self, name: str, outputs: Sequence[str]) -> list[str]:
        """`AU12_r`."""
        return [f"{output}_r" for output in outputs]

    def table_values(self, predicted: Floats, outputs: Sequence[str]) -> list[list[Any]]:
        """The intensities."""
        return [cells(column) for column in predicted.T]


class Exclusive:
    """One of K classes. Labels are one-hot rows, all NaN where unlabelled; predictions, shares."""

    classes = True
    counted = True
    bounds = (0.0, 1.0)
    fallback: str | None = None

    def width(self, outputs: Sequence[str]) -> int:
        """One raw output each."""
        return len(outputs)

    def decode(self, raw: Floats) -> Floats:
        """Probability of each class."""
        return softmax(raw)

    def columns(self, name: str, outputs: Sequence[str]) -> dict[str, str]:
        """One column of names."""
        return {name: "name"}

    def outputs_in(self, name: str, columns: Columns) -> tuple[str, ...]:
        """The names that occur."""
        if name not in columns:
            return ()
        return tuple(sorted({v for v in columns[name] if v is not None}))

    def read(self, name: str, outputs: Sequence[str], columns: Columns, n: int) -> Floats:
        """One-hot rows; a name that is not an output leaves its face unlabelled."""
        found = np.full((n, len(outputs)), np.nan, np.float32)
        if name in columns:
            place = {output: i for i, output in enumerate(outputs)}
            index = np.array([place.get(v, -1) for v in columns[name]], np.intp)
            found[index >= 0] = np.eye(len(outputs), dtype=np.float32)[index[index >= 0]]
        return found

    def align(self, values: Floats, have: Sequence[str], want: Sequence[str]) -> Floats:
        """Reorder the classes; a face whose class the other list lacks becomes unlabelled."""
        if tuple(have) == tuple(want):
            return values
        found = np.nan_to_num(_picked(values, have, want))
        total = found.sum(1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(total > 0, found / total, np.nan), np.float32)

    def table_columns(self, name: str, outputs: Sequence[str]) -> list[str]:
        """The likeliest class, then a probability each."""
        return [name.removesuffix("_votes"), *outputs]

    def table_values(self, predicted: Floats, outputs: Sequence[str]) -> list[list[Any]]:
        """The likeliest class and the probabilities."""
        best = [None if i < 0 else outputs[i] for i in likeliest(predicted)]
        return [best, *(cells(column) for column in predicted.T)]


class Votes(Exclusive):
    """A distribution over K classes, as several raters gave it: rows that sum to 1.

    Votes for classes that a head has not are left out, and the rest scaled to 1.

    A layer holds a column `NAME_votes` per class, of counts or shares. Where a face has no votes
    but one name (head `expression`), that is a distribution all on one class (`fallback`).
    """

    bounds = (0.0, np.inf)
    form = "{}_votes"
    fallback: str | None = "expression"

    def columns(self, name: str, outputs: Sequence[str]) -> dict[str, str]:
        """A column of votes per class."""
        return {self.form.format(output): "float32" for output in outputs}

    def outputs_in(self, name: str, columns: Columns) -> tuple[str, ...]:
        """Every class that has a column of votes."""
        return tuple(c.removesuffix("_votes") for c in columns if c.endswith("_votes"))

    def read(self, name: str, outputs: Sequence[str], columns: Columns, n: int) -> Floats:
        """Votes as shares; a face without any is unlabelled."""
        found = _stacked(outputs, columns, self.form, n)
        known = ~np.isnan(found).all(1)
        found[known] = np.nan_to_num(found[known])
        total = found.sum(1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(total > 0, found / total, np.nan), np.float32)


KINDS: dict[str, Kind] = {
    "regression": Regression(),
    "binary": Binary(),
    "ordinal": Ordinal(),
    "exclusive": Exclusive(),
    "votes": Votes(),
}
