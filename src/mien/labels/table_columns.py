"""What the columns of an analysis hold, told from their names alone, whatever model filled them."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.labels.action_units import FACS, INTENSITY_MAX, parse

AXES = ("valence", "arousal")
CLASS = "expression"
"""The likeliest class; the columns after it are the classes' probabilities."""
RULE, CONFIDENCE = "rule_", "_confidence"
"""Beginning of the columns of the rule-based reading, end of those of calibrated confidence: both
come after everything that the model itself says."""


@dataclass(frozen=True)
class AffectColumns:
    """Names of a table's columns, by what they hold.

    axes: valence, arousal, in [-1, 1]. presence: `AU12_p`, probabilities. intensity: `AU12_r`, 0 to
    5. classes: probabilities of one of several, after the column `expression`.
    """

    axes: tuple[str, ...] = ()
    presence: tuple[str, ...] = ()
    intensity: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str]) -> "AffectColumns":
        """Sort the names of a table's columns; others are left out."""
        after = names[names.index(CLASS) + 1 :] if CLASS in names else ()
        after = [n for n in after if not n.startswith(RULE) and not n.endswith(CONFIDENCE)]
        return cls(
            tuple(name for name in AXES if name in names),
            tuple(name for name in names if _unit_of(name, "_p") is not None),
            tuple(name for name in names if _unit_of(name, "_r") is not None),
            tuple(after),
        )

    @property
    def signals(self) -> tuple[str, ...]:
        """All columns of numbers that a model fills."""
        return (*self.axes, *self.presence, *self.intensity, *self.classes)


def unit_title(name: str) -> str | None:
    """`AU12 lip corner puller` for `AU12_p` and `AU12_r`; None for a column of no unit."""
    unit = _unit_of(name, "_p") or _unit_of(name, "_r")
    return None if unit is None else f"AU{unit} {FACS[unit]}"


def span(name: str) -> float:
    """Length of the scale of a column: 2 for valence and arousal, 5 for intensities, else 1."""
    if name in AXES:
        return 2.0
    return INTENSITY_MAX if _unit_of(name, "_r") is not None else 1.0


def _unit_of(name: str, ending: str) -> int | None:
    return parse(name.removesuffix(ending)) if name.endswith(ending) else None
