"""How many threads a training takes: as many as there are processors that nobody else uses.

Two threads beside a busy neighbour wait for each other at every layer, and can be several times
slower than one. The last bits of a sum depend on the number of threads, so a run that goes on keeps
its own.
"""

import os
from collections.abc import Callable

import torch

from mien.processors import idle_processors


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
