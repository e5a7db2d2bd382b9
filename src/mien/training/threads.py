"""How many threads a training takes: as many as there are processors that nobody else uses.

Two threads beside a busy neighbour wait for each other at every layer, and can be several times
slower than one. The last bits of a sum depend on the number of threads, so a run that goes on keeps
its own.
"""

import os
import time
from pathlib import Path

_COUNTERS = Path("/proc/stat")
_WATCH_S = 0.3


def choose_threads(kept: int | None) -> int | None:
    """Set and return torch's threads; None, and nothing set, where OMP_NUM_THREADS says.

    kept: of the run that goes on.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return None
    import torch

    threads = kept or min(idle_processors(), torch.get_num_threads())
    torch.set_num_threads(threads)
    return threads


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
