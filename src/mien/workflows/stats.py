"""`mien.stats`: what a store holds."""

from pathlib import Path
from typing import Any

from mien.store import Store
from mien.store.statistics import statistics


def stats(store: str | Path, *, split: str | None = None) -> dict[str, Any]:
    """Count faces, people and videos per part, and every head's labels, as plain values.

    split: to count by; None for the default. Raises InputError where there is no such store or
    split.
    """
    return statistics(Store.open(Path(store)), split)
