"""What commands print: JSON for machines, tables and progress for people."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mien.progress import Progress
from mien.text import to_json

_PLAIN_EVERY_S = 10.0


def print_json(value: Any) -> None:
    """Print plain values as JSON, NaN as null."""
    print(to_json(value), end="")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Print a table on stdout, numbers to the right, NaN as a dash."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title) or None, title_justify="left")
    for i, name in enumerate(columns):
        numeric = all(isinstance(row[i], int | float) for row in rows) and bool(rows)
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}"
    return str(value)


def note(text: str) -> None:
    """Tell the person something, on stderr."""
    print(f"mien: {text}", file=sys.stderr)


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Show progress on stderr: a live bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _PlainProgress(label)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(escape(label), total=None, note="", speed="")
        rate = _Rate()

        def update(done: float, total: float | None, note: str = "") -> None:
            shown = max(total, done) if total is not None else None
            bar.update(task, completed=done, total=shown, note=note, speed=rate(done))

        yield update


class _Rate:
    """Units per second since the first report."""

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None
        self.per_second = 0.0

    def __call__(self, done: float) -> str:
        now = time.monotonic()
        if self._start is None:
            self._start = (now, done)
        began, first = self._start
        self.per_second = (done - first) / (now - began) if now > began else 0.0
        return f"{self.per_second:.0f}/s" if self.per_second else ""

    def left(self, done: float, total: float) -> str:
        """Time until `total`, in words."""
        if not self.per_second:
            return "?"
        seconds = max(total - done, 0) / self.per_second
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


class _PlainProgress:
    def __init__(self, label: str) -> None:
        self._label, self._last = label, time.monotonic()
        self._rate = _Rate()

    def __call__(self, done: float, total: float | None, note: str = "") -> None:
        speed = self._rate(done)
        if time.monotonic() - self._last < _PLAIN_EVERY_S:
            return
        self._last = time.monotonic()
        of = f"/{total:.0f}" if total else ""
        left = f", {self._rate.left(done, total)} left" if total else ""
        print(f"mien: {self._label} {done:.0f}{of} {speed}{left}  {note}", file=sys.stderr)
