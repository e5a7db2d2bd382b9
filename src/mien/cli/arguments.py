"""Argument types and checks that several commands share."""

import argparse
from typing import TypeVar

_T = TypeVar("_T", int, float)


def pixel_size(text: str) -> int:
    """Side of a square crop in pixels."""
    return _number(text, int, 8, 1024, "a whole number of pixels")


def frame_rate(text: str) -> float:
    """Frames per second."""
    return _number(text, float, 0.1, 1000, "frames per second")


def margin(text: str) -> float:
    """Room around a box, as a share of its longer side."""
    return _number(text, float, 0, 2, "a share of the box")


def face_size(text: str) -> float:
    """Size of a face in pixels."""
    return _number(text, float, 1, 100_000, "a number of pixels")


def stream(text: str) -> int:
    """Number of a stream in a file, from 0."""
    return _number(text, int, 0, 1000, "the number of a stream")


def seed(text: str) -> int:
    """A seed of a random generator."""
    return _number(text, int, 0, 2**31 - 1, "a whole number")


def threshold(text: str) -> float:
    """A threshold in a file's own scale of intensities."""
    return _number(text, float, 0, 5, "a number")


def positive(text: str) -> int:
    """A whole number above 0."""
    return _number(text, int, 1, 10**9, "a whole number")


def _number(text: str, kind: type[_T], low: float, high: float, what: str) -> _T:
    try:
        value = kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
    if not value >= low:
        raise argparse.ArgumentTypeError(f"{text}: give at least {low:g}")
    if value > high:
        raise argparse.ArgumentTypeError(f"{text}: give at most {high:g}")
    return value


def seconds(text: str) -> float:
    """A length of time as 90s, 20m or 2h, in seconds."""
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        value = float(text[:-1]) * units[text[-1]]
    except (ValueError, KeyError, IndexError):
        raise argparse.ArgumentTypeError(f"{text}: give a time as 90s, 20m or 2h") from None
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: give a time above 0")
    return value
