"""What labels are made of: ranges of frames, and takes of a trace."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

Floats = NDArray[np.float64]

LETTERS = "ABCDE"
"""FACS intensities, A = 1 (a trace) to E = 5 (the most)."""
FULL = 1000
"""Samples of a trace lie in [-FULL, FULL]."""
DIMENSIONS = ("valence", "arousal")
_NAMES = 64
_MOST_SAMPLES = 2_000_000
_NOTE = 2000


@dataclass(frozen=True)
class Mark:
    """A label on the frames from first to last, both included.

    id: unique for its annotator and item. apex: frame where a unit is strongest. intensity: a
    letter, A to E. source: `hand`, `import:FORMAT` or `model:NAME`. confidence: a model's. present:
    False where somebody settled that the label does not hold there.
    """

    id: str
    label: str
    first: int
    last: int
    apex: int | None = None
    intensity: str | None = None
    note: str = ""
    source: str = "hand"
    confidence: float | None = None
    present: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what is not said is left out."""
        return {k: v for k, v in asdict(self).items() if k not in _DEFAULTS or v != _DEFAULTS[k]}

    @classmethod
    def from_dict(cls, values: Any, frames: int) -> "Mark":
        """Check and read; frames: of the item. Raises InputError where something does not fit."""
        if not isinstance(values, Mapping) or set(values) - set(cls.__dataclass_fields__):
            raise InputError("range: give id, label, first and last")
        found = cls(
            name_in(values, "id"),
            name_in(values, "label"),
            whole_in(values, "first", frames - 1),
            whole_in(values, "last", frames - 1),
            None if values.get("apex") is None else whole_in(values, "apex", frames - 1),
            letter_in(values),
            text_in(values, "note"),
            name_in(values, "source") if "source" in values else "hand",
            None if values.get("confidence") is None else number_in(values, "confidence", 0, 1),
            values.get("present", True),
        )
        if found.last < found.first:
            raise InputError(f"range {found.first}-{found.last}: ends before it begins")
        if found.apex is not None and not found.first <= found.apex <= found.last:
            raise InputError(f"apex {found.apex}: outside {found.first}-{found.last}")
        if not isinstance(found.present, bool):
            raise InputError("present: give true or false")
        return found

    def overlaps(self, other: "Mark") -> bool:
        """Whether both hold in a frame."""
        return self.first <= other.last and other.first <= self.last


_DEFAULTS: dict[str, Any] = {
    "apex": None, "intensity": None, "note": "", "source": "hand", "confidence": None,
    "present": True,
}  # fmt: skip


@dataclass
class Take:
    """One recording of a trace, kept as it was.

    dimension: valence, arousal or both. device: mouse, keys, touch, gamepad, import. speed: of the
    video. shown: whether an earlier trace was in sight. chunks: as they came, (M, 2 or 3) of
    seconds, in order of time, and values in [-FULL, FULL].
    """

    id: str
    dimension: str
    device: str = "mouse"
    speed: float = 1.0
    shown: bool = False
    chunks: list[Floats] = field(default_factory=list)

    @property
    def samples(self) -> Floats:
        """All samples (M, 2), or (M, 3) where both dimensions are recorded."""
        return np.concatenate([np.empty((0, 3 if self.dimension == "both" else 2)), *self.chunks])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the samples."""
        return {
            "take": self.id, "dimension": self.dimension, "device": self.device,
            "speed": self.speed, "shown": self.shown,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Take":
        """Check and read a take that begins."""
        dimension = name_in(values, "dimension")
        if dimension not in (*DIMENSIONS, "both"):
            raise InputError(f"dimension {dimension!r}: give valence, arousal or both")
        device = name_in(values, "device") if "device" in values else "mouse"
        speed = number_in(values, "speed", 0.05, 8) if "speed" in values else 1.0
        return cls(name_in(values, "take"), dimension, device, speed, bool(values.get("shown")))

    def covers(self, dimension: str) -> bool:
        """Whether it records this dimension."""
        return self.dimension in (dimension, "both")

    def of(self, dimension: str) -> Floats:
        """Seconds and values (M, 2) of one dimension."""
        column = 2 if self.dimension == "both" and dimension == "arousal" else 1
        return self.samples[:, [0, column]]


def samples_in(values: Mapping[str, Any], take: Take) -> Floats:
    """Check samples that are to follow those of a take; raises InputError where they do not."""
    given = values.get("samples")
    width = 3 if take.dimension == "both" else 2
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_SAMPLES:
        raise InputError("samples: give a list of [seconds, value]")
    try:
        found = np.array(given)
    except (ValueError, OverflowError):  # rows of several lengths
        found = np.empty(0)
    if found.shape != (len(given), width) or found.dtype.kind not in "fi":
        raise InputError(f"samples: give {width} numbers each")
    found = found.astype(np.float64)
    seconds, last = found[:, 0], take.chunks[-1][-1, 0] if take.chunks else 0.0
    if not (seconds[0] >= last and (np.diff(seconds) >= 0).all() and seconds[-1] <= 1e6):
        raise InputError("samples: times must rise, from 0 and from those before")
    if not (np.abs(found[:, 1:]) <= FULL).all():
        raise InputError(f"samples: values lie in -{FULL} to {FULL}")
    return found


def rows_of_samples(samples: Floats) -> list[list[float]]:
    """Samples as JSON holds them: whole values without a fraction."""
    return [[row[0], *(int(v) if v == int(v) else v for v in row[1:])] for row in samples.tolist()]


def moved(mark: Mark, by: int) -> Mark:
    """The same mark some frames later."""
    apex = None if mark.apex is None else mark.apex + by
    return replace(mark, first=mark.first + by, last=mark.last + by, apex=apex)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def number_in(values: Mapping[str, Any], key: str, low: float, high: float) -> float:
    """A number within bounds, or InputError."""
    value = values.get(key)
    if not _is_number(value) or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise InputError(f"{key}: give a number from {low:g} to {high:g}")
    return float(value)  # type: ignore[arg-type]


def whole_in(values: Mapping[str, Any], key: str, high: int) -> int:
    """A whole number from 0, or InputError."""
    value = values.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
        raise InputError(f"{key}: give a frame from 0 to {high}")
    return value


def name_in(values: Mapping[str, Any], key: str) -> str:
    """A short text without control characters, or InputError."""
    value = values.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _NAMES or not value.isprintable():
        raise InputError(f"{key}: give a text of 1 to {_NAMES} characters")
    return value


def text_in(values: Mapping[str, Any], key: str) -> str:
    """A text of some lines, or InputError."""
    value = values.get(key, "")
    if not isinstance(value, str) or len(value) > _NOTE or not _encodable(value):
        raise InputError(f"{key}: give a text of at most {_NOTE} characters")
    return value


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def letter_in(values: Mapping[str, Any]) -> str | None:
    """An intensity, A to E, or None; InputError for anything else."""
    value = values.get("intensity")
    if value is not None and (not isinstance(value, str) or value not in tuple(LETTERS)):
        raise InputError("intensity: give A, B, C, D or E")
    return value
