"""Which processors nobody else uses."""

import os
import time
from pathlib import Path

_COUNTERS = Path("/proc/stat")
_WATCH_S = 0.3


def idle_processors() -> int:
    """How many processors did nothing for a moment just now, at least 1; all where none can say."""
    before = _counters()
    time.sleep(_WATCH_S)
    after = _counters()
    count = os.cpu_count() or 1
    if before is None or after is None or after[1] <= before[1]:
        return count
    idle = (after[0] - before[0]) / (after[1] - before[1])
    return max(1, round(count * idle))


def _counters() -> tuple[int, int] | None:
    """Ticks of all processors since the start: idle, and all; None where the system keeps none."""
    try:
        words = _COUNTERS.read_text("ascii").split("\n", 1)[0].split()[1:9]
    except (OSError, UnicodeDecodeError):
        return None
    ticks = [int(word) for word in words if word.isdigit()]
    if len(ticks) < 5:
        return None
    return ticks[3] + ticks[4], sum(ticks)
