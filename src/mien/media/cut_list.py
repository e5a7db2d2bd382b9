"""Lists of cuts: what of which video stays, and under which names.

A CSV with the columns video, start_s, end_s and, where a video becomes several, part and half:

    video,start_s,end_s,part,half
    video1.mp4,0,4.5,,                 left out: an intro
    video45.mp4,10,42,video45_1,       a part of its own; several rows of one part are put together
    video55.mp4,,,video55_left,left    two people in one frame: one half of the picture

A video with rows that name parts becomes these parts and nothing else; rows without a part are left
out of it, parts included. An empty start is the beginning, an empty end the end.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import InputError
from mien.media.recut import HALVES
from mien.media.timeline import WHOLE, Timeline, without

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
NEEDED = ("video", "start_s", "end_s")


@dataclass(frozen=True)
class Part:
    """A new video: its name without a suffix, what of the old one it holds, which half of it."""

    name: str
    timeline: Timeline
    half: str | None = None


def parts_of(video: Path, rows: Sequence[Mapping[str, str]], where: str) -> list[Part]:
    """Parts that a video becomes by its rows of a cut list.

    rows: cells by column, those of this video alone. where: the list, for messages. Raises
    InputError for times that are none, names of no use, and spans that overlap.
    """
    cuts: list[tuple[float, float]] = []
    named: dict[str, tuple[list[tuple[float, float]], set[str]]] = {}
    for row in rows:
        span = _time(row, "start_s", 0.0, where), _time(row, "end_s", float("inf"), where)
        if not span[0] < span[1]:
            raise InputError(f"{where}: {video.name}: {span[0]:g} to {span[1]:g} s is no span")
        name, half = row.get("part", ""), row.get("half", "")
        if half and half not in HALVES:
            raise InputError(f"{where}: half={half!r}: left, right or nothing")
        if not name:
            cuts.append(span)
            continue
        if not _NAME.fullmatch(name):
            raise InputError(f"{where}: part {name!r}: letters, digits, _ - and . alone")
        spans, halves = named.setdefault(name, ([], set()))
        spans.append(span)
        halves.add(half)
    if not named:
        return [Part(video.stem, without(cuts) if cuts else WHOLE)]
    found = []
    for name, (spans, halves) in named.items():
        if len(halves) > 1:
            raise InputError(f"{where}: part {name}: rows of one part are of different halves")
        timeline = Timeline(tuple(_minus(sorted(spans), cuts)))
        found.append(Part(name, timeline, next(iter(halves)) or None))
    return found


def _time(row: Mapping[str, str], column: str, missing: float, where: str) -> float:
    """Seconds, or h:mm:ss.s."""
    text = row.get(column, "")
    if not text:
        return missing
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        raise InputError(f"{where}: {column}={text!r} is no time (seconds, or h:mm:ss)") from None
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + part
    return seconds


def _minus(
    spans: Sequence[tuple[float, float]], cuts: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """What is left of spans without the cuts."""
    left = list(spans)
    for start, end in sorted(cuts):
        left = [
            piece
            for a, b in left
            for piece in ((a, min(b, start)), (max(a, end), b))
            if piece[0] < piece[1]
        ]
    return left
