"""How many threads a training takes: as many as there are processors that nobody else uses.

Two threads beside a busy neighbour wait for each other at every layer, and can be several times
slower than one. The last bits of a sum depend on the number of threads, so a run that goes on keeps
its own.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

_COUNTERS = Path("/proc/stat")
_WATCH_S = 0.3


def choose_threads(kept: int | None, say: Callable[[str], None]) -> None:
    """Set torch's threads, and say so where they are fewer for others' sake.

    kept: of the run that goes on. Nothing is set where OMP_NUM_THREADS says.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return
    whole = torch.get_num_threads()
    threads = kept or min(idle_processors(), whole)
    torch.set_num_threads(threads)
    if not kept and threads < whole:
        say(f"others use this machine: {threads} of {whole} threads; OMP_NUM_THREADS overrides it")


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
