"""What a check found: a line, the faces it speaks of, and how bad it is."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ERROR, WARNING, NOTE = "error", "warning", "note"


@dataclass(frozen=True)
class Finding:
    """check: its name. level: an error makes a result wrong, a warning may, a note is to know.

    count: of what the text speaks of. rows: (R, C) rows of the store's table, a line of C faces for
    each finding, at most `SHOWN` of them; empty where no face is meant. facts: figures, for JSON.
    """

    check: str
    level: str
    text: str
    count: int = 0
    rows: NDArray[np.intp] = field(default_factory=lambda: np.empty((0, 1), np.intp))
    facts: dict[str, object] = field(default_factory=dict)


SHOWN = 1000
"""Rows that a finding names; its count says how many there are."""
