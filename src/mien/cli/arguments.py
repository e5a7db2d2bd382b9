"""Argument types and checks that several commands share."""

import argparse
from pathlib import Path

from mien import ranges
from mien.ranges import Range


def pixel_size(text: str) -> int:
    """Side of a square crop in pixels."""
    return int(_number(text, ranges.PIXEL_SIZE))


def frame_rate(text: str) -> float:
    """Frames per second."""
    return float(_number(text, ranges.FRAME_RATE))


def margin(text: str) -> float:
    """Room around a box, as a share of its longer side."""
    return float(_number(text, ranges.MARGIN))


def face_size(text: str) -> float:
    """Size of a face in pixels."""
    return float(_number(text, ranges.FACE_SIZE))


def stream(text: str) -> int:
    """Number of a stream in a file, from 0."""
    return int(_number(text, ranges.STREAM))


def seed(text: str) -> int:
    """A seed of a random generator."""
    return int(_number(text, ranges.SEED))


def threshold(text: str) -> float:
    """A threshold in a file's own scale of intensities."""
    return float(_number(text, ranges.THRESHOLD))


def positive(text: str) -> int:
    """A whole number above 0."""
    return int(_number(text, ranges.POSITIVE))


def person(text: str) -> int:
    """Number of a person in a video, from 0."""
    return int(_number(text, ranges.PERSON))


def jobs(text: str) -> int:
    """Processes at work at a time."""
    return int(_number(text, ranges.JOBS))


def moment(text: str) -> float:
    """A time in a video, in seconds: 90, 90s, 1:30, 0:01:30, 1.5m."""
    parts = text.split(":")
    try:
        if len(parts) > 1:
            value = sum(float(part) * 60**i for i, part in enumerate(reversed(parts)))
        else:
            value = float(text[:-1]) * _UNITS[text[-1]] if text[-1:] in _UNITS else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: give a time as 90, 90s or 1:30") from None
    return _number(str(value), ranges.TIME)


def step(text: str) -> float:
    """A length of time in seconds: 0.2, 0.2s, 2m."""
    return _number(str(moment(text)), ranges.STEP)


def _number(text: str, asked: Range) -> float:
    try:
        value = asked.kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {asked.what}") from None
    if not value >= asked.low:
        raise argparse.ArgumentTypeError(f"{text}: give at least {asked.low:g}")
    if value > asked.high:
        raise argparse.ArgumentTypeError(f"{text}: give at most {asked.high:g}")
    return value


_UNITS = {"s": 1, "m": 60, "h": 3600}


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


def smoothing(text: str) -> float:
    """Width of smoothing in seconds."""
    return float(_number(text, ranges.SMOOTHING))


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe how a table of an analysis is to be written."""
    from mien.analysis.formats import FORMATS

    parser.add_argument(
        "--format", choices=tuple(FORMATS), help="of the table (the suffix of --out says)"
    )
    parser.add_argument(
        "--smooth", type=smoothing, nargs="?", const=0.3, metavar="S",
        help="smooth over S seconds (0.3), without lag; raw where not asked",
    )  # fmt: skip
    parser.add_argument(
        "--neutral", choices=("auto",), help="take each person's own neutral face off"
    )
    parser.add_argument("--rules", action="store_true", help="add emotions read from units by rule")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="a row per person: .csv, .json, .parquet"
    )
