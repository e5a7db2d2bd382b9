"""Heads: what a face can be labelled with and a recogniser can predict, as data.

To add a head: a line in `HEADS`. Everything else (store, training, scores, tables) goes through the
head's kind (`labels/kinds.py`) and never asks which head it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.errors import InputError, unknown_name
from mien.labels import action_units, expressions
from mien.labels.kinds import KINDS, Columns, Floats, Kind


@dataclass(frozen=True)
class Head:
    """K outputs of one kind. name: a key of `HEADS`. outputs: their names, in order."""

    name: str
    outputs: tuple[str, ...]

    @property
    def type(self) -> "HeadType":
        """What all heads of this name share."""
        return HEADS[self.name]

    @property
    def kind(self) -> Kind:
        """The head's kind."""
        return KINDS[self.type.kind]

    @property
    def width(self) -> int:
        """Number of a network's raw outputs for it."""
        return self.kind.width(self.outputs)

    @property
    def columns(self) -> dict[str, str]:
        """Its columns in a label layer, with their types."""
        return self.kind.columns(self.name, self.outputs)

    def read(self, columns: Columns, n: int) -> Floats:
        """Read labels (n, K) from a layer's columns; NaN where unlabelled."""
        return self.kind.read(self.name, self.outputs, columns, n)


@dataclass(frozen=True)
class HeadType:
    """A name that heads may have.

    kind: a key of `KINDS`. title: in words. short: before its outputs' names in tables of scores.
    merged: unites lists of outputs, in the order of a store. parse: an output's name from what a
    person wrote (12, `AU12`; `happy`), or None. outputs: those of a head whose outputs neither
    recipe nor store names.
    """

    kind: str
    short: str
    title: str
    merged: Callable[..., tuple[str, ...]]
    parse: Callable[[str], str | None]
    outputs: tuple[str, ...] = ()


def _all_or_none(*outputs: str) -> Callable[..., tuple[str, ...]]:
    """A head that has all of its outputs wherever it has one."""
    return lambda *sets: outputs if any(o in names for names in sets for o in outputs) else ()


def _one_of(*outputs: str) -> Callable[[str], str | None]:
    return lambda text: text if text in outputs else None


def _units(*sets: Iterable[str]) -> tuple[str, ...]:
    numbers = (action_units.parse(name) for names in sets for name in names)
    return tuple(map(action_units.column, sorted({n for n in numbers if n is not None})))


def _unit(text: str) -> str | None:
    number = action_units.parse(text if text.strip().lower().startswith("au") else f"AU{text}")
    return None if number is None else action_units.column(number)


def _expression(text: str) -> str | None:
    return expressions.parse(text) or (text or None)


VALENCE_AROUSAL = ("valence", "arousal")
_DOCUMENT_UNITS = tuple(map(action_units.column, action_units.DOCUMENT_AUS))

HEADS: dict[str, HeadType] = {
    "valence_arousal": HeadType(
        "regression",
        "",
        "valence and arousal, -1 to 1",
        _all_or_none(*VALENCE_AROUSAL),
        _one_of(*VALENCE_AROUSAL),
        VALENCE_AROUSAL,
    ),
    "au": HeadType(
        "binary", "AU", "Action Units, present or absent", _units, _unit, _DOCUMENT_UNITS
    ),
    "au_intensity": HeadType(
        "ordinal", "AU intensity", "Action Units, intensity 0 to 5", _units, _unit, _DOCUMENT_UNITS
    ),
    "expression": HeadType(
        "exclusive", "expression", "expression, one of several", expressions.merged, _expression
    ),
    "expression_votes": HeadType(
        "votes",
        "expression",
        "expression, as several raters voted",
        expressions.merged,
        _expression,
    ),
}


def heads_in(columns: Columns) -> tuple[Head, ...]:
    """Heads that the columns of a label layer belong to, in the order of `HEADS`."""
    found = []
    for name, type_ in HEADS.items():
        outputs = type_.merged(KINDS[type_.kind].outputs_in(name, columns))
        if outputs:
            found.append(Head(name, outputs))
    return tuple(found)


def merged_heads(*sets: Iterable[Head]) -> tuple[Head, ...]:
    """Union of several sets of heads: each with all outputs that any of them has."""
    outputs: dict[str, list[Sequence[str]]] = {}
    for heads in sets:
        for head in heads:
            outputs.setdefault(head.name, []).append(head.outputs)
    return tuple(
        Head(name, type_.merged(*outputs[name])) for name, type_ in HEADS.items() if name in outputs
    )


def parse_outputs(name: str, wanted: Iterable[Any]) -> Head:
    """Make a head from what a person wrote (`au`, [1, 2, 'AU12']), in their order.

    Raises InputError for an unknown head or output, and where an output is named twice.
    """
    if name not in HEADS:
        raise unknown_name("head", name, HEADS)
    outputs = []
    for item in wanted:
        output = HEADS[name].parse(str(item))
        if output is None:
            raise InputError(f"heads.{name}: {item!r} is none of its outputs")
        if output in outputs:
            raise InputError(f"heads.{name} names {output} twice")
        outputs.append(output)
    return Head(name, tuple(outputs))


def describe_columns(heads: Iterable[Head]) -> dict[str, str]:
    """What every label column of these heads means, for other readers."""
    return {column: head.type.title for head in heads for column in head.columns}


def head_to_dict(head: Head) -> dict[str, Any]:
    """Plain values that `head_from_dict` reads back."""
    return {"name": head.name, "outputs": list(head.outputs)}


def head_from_dict(values: Mapping[str, Any]) -> Head:
    """Read back `head_to_dict`; raises InputError for a head that this version does not know."""
    if values["name"] not in HEADS:
        raise unknown_name("head", str(values["name"]), HEADS)
    return Head(values["name"], tuple(values["outputs"]))
