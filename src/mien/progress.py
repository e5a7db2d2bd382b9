"""How long work tells that it goes on; the command line decides how that looks."""

from typing import Protocol


class Progress(Protocol):
    """Called now and then by long work."""

    def __call__(self, done: float, total: float | None, note: str = "") -> None:
        """Report `done` of `total` units (None where unknown), with a few words."""


def silent(done: float, total: float | None, note: str = "") -> None:
    """Report nothing."""


def say_nothing(_: str) -> None:
    """Take a warning and keep it to oneself."""
