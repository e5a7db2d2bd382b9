"""Where a model's knowledge comes from, output by output, and how sure it may call itself.

It lies beside the weights in two files that `mien export model` puts into the ONNX metadata:

labels.toml, by hand: the source of the labels of every output, by head.

    [labels]
    expression_votes = "votes"
    valence_arousal = "derived"
    [labels.au]
    default = "silver"
    AU09 = "actors"

calibration.json, by `benchmarks/calibrate.py`: how often a value of a given strength was right, and
on what that was counted.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.heads import HEADS, Head

SOURCES = {
    "votes": "several people's votes on photographs",
    "people": "labels that people gave",
    "silver": "a landmark model's measurements of photographs: relative, not FACS",
    "derived": "computed from the other labels, no rater gave them",
    "silver and actors": "a landmark model's measurements of photographs (relative, not FACS), and "
    "people who do not exist, with exact truth",
    "actors": "people who do not exist, with exact truth, alone: unvalidated on real faces",
    "mixed": "several of these",
    "unvalidated": "of labels that nothing was compared with",
}
"""What labels an output was taught with; `unvalidated` where the model does not say."""
UNSAID = "unvalidated"
LABELS_FILE, CALIBRATION_FILE = "labels.toml", "calibration.json"
_DEFAULT = "default"


@dataclass(frozen=True)
class Calibration:
    """How often it was right by how strongly it was said.

    on: what was counted, in words. meaning: what confidence is the probability of. strength: (B,)
    rising; right: (B,) share of right ones at that strength; in between it is interpolated.
    """

    on: str
    meaning: str
    strength: tuple[float, ...]
    right: tuple[float, ...]

    def __post_init__(self) -> None:
        steps = np.diff(self.strength)
        if len(self.strength) < 2 or len(self.strength) != len(self.right) or (steps <= 0).any():
            raise InputError("a calibration needs two or more rising strengths, and a share each")
        if not all(0 <= share <= 1 for share in self.right):
            raise InputError("a calibration's shares lie in 0 to 1")

    def __call__(self, strength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Confidence (N,) in [0, 1]; NaN where the strength is."""
        found = np.interp(strength, self.strength, self.right)
        return np.where(np.isnan(strength), np.nan, found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        return {
            "on": self.on,
            "meaning": self.meaning,
            "strength": list(self.strength),
            "right": list(self.right),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        """Read back `to_dict`; raises KeyError, TypeError or InputError for what it is not."""
        numbers = (tuple(float(v) for v in values[key]) for key in ("strength", "right"))
        return cls(str(values["on"]), str(values["meaning"]), *numbers)


@dataclass(frozen=True)
class Provenance:
    """labels: source (a key of `SOURCES`) by head and output. calibrations: by column of the table:
    `expression`, `valence`, `arousal`."""

    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)

    def source(self, head: str, output: str) -> str:
        """What labels an output was taught with."""
        return self.labels.get(head, {}).get(output, UNSAID)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back; empty where nothing is known."""
        found: dict[str, Any] = {}
        if self.labels:
            found["labels"] = {head: dict(outputs) for head, outputs in self.labels.items()}
        if self.calibrations:
            found["calibration"] = {n: c.to_dict() for n, c in self.calibrations.items()}
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Provenance":
        """Read back `to_dict`; raises InputError, KeyError or TypeError for what it is not."""
        labels = {str(h): {str(o): str(s) for o, s in of.items()}
                  for h, of in values.get("labels", {}).items()}  # fmt: skip
        for outputs in labels.values():
            for source in outputs.values():
                _check_source(source)
        calibrations = values.get("calibration", {})
        return cls(labels, {str(n): Calibration.from_dict(c) for n, c in calibrations.items()})


def read_provenance(folder: Path, heads: Sequence[Head]) -> Provenance:
    """Read what lies beside weights; nothing where there is nothing.

    Raises InputError, with file and key, for a head or output that the network lacks, an unknown
    source, and files that cannot be read.
    """
    labels, calibrations = {}, {}
    path = folder / LABELS_FILE
    if path.is_file():
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8")).get("labels", {})
            labels = _spread(given, heads)
        except (InputError, ValueError, AttributeError, OSError) as error:
            raise InputError(f"{path}: {error}") from error
    path = folder / CALIBRATION_FILE
    if path.is_file():
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            calibrations = {str(n): Calibration.from_dict(c) for n, c in values.items()}
        except (InputError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            raise InputError(f"{path}: cannot be read: {error}") from error
    return Provenance(labels, calibrations)


def _spread(given: Mapping[str, Any], heads: Sequence[Head]) -> dict[str, dict[str, str]]:
    """Sources of single outputs from those of heads and defaults."""
    known = {head.name: head for head in heads}
    found = {}
    for name, said in given.items():
        if name not in known:
            if name in HEADS:
                continue  # one file may serve networks with more or fewer heads
            raise InputError(f"labels.{name}: there is no such head")
        table = {_DEFAULT: said} if isinstance(said, str) else dict(said)
        for output, source in table.items():
            _check_source(source)
            if output != _DEFAULT and output not in known[name].outputs:
                raise InputError(f"labels.{name}.{output}: the network has no such output")
        default = table.get(_DEFAULT, UNSAID)
        found[name] = {output: table.get(output, default) for output in known[name].outputs}
    return found


def _check_source(source: Any) -> None:
    if source not in SOURCES:
        raise InputError(f"{source!r} is no source of labels; known: {', '.join(SOURCES)}")
