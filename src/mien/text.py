"""Numbers as text: JSON has no NaN, so it becomes null; a CSV cell of NaN is empty."""

import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any


def to_json(value: Any) -> str:
    """Serialise plain values, indented, with a newline at the end."""
    return json.dumps(without_nan(value), indent=2) + "\n"


def without_nan(value: Any) -> Any:
    """Replace NaN and infinities by None, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value


def number_cell(value: float) -> str:
    """Four decimals for a CSV; empty for NaN."""
    return "" if math.isnan(value) else f"{value:.4f}"


def cell(value: object) -> object:
    """Four decimals for a number of a CSV, empty for None and NaN; anything else as it is."""
    if value is None:
        return ""
    if isinstance(value, Real) and not isinstance(value, Integral):
        return number_cell(float(value))
    return value
