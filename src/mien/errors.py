"""The one error a user is meant to see."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(Exception):
    """Bad input: the message says what, where and what to do; the command line exits with 2."""


class TrainingDivergedError(InputError):
    """A loss or gradient of a training is no longer finite; its last good checkpoint is kept."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An InputError for a name that is not in a registry, with the nearest one that is."""
    choices = sorted(known)
    near = get_close_matches(name, choices, n=1)
    more = f" and {len(choices) - 10} more" if choices[10:] else ""
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(choices[:10])}{more}"
    return InputError(f"unknown {kind} {name!r}: {hint}")


def check_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise InputError, with the nearest name, where `name` is not in a registry."""
    choices = list(known)
    if name not in choices:
        raise unknown_name(kind, name, choices)
