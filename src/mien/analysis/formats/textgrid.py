"""Interval tiers of Praat (.TextGrid, long form, UTF-8)."""

from collections.abc import Iterator
from pathlib import Path

from mien.analysis.affect_table import AffectTable
from mien.analysis.formats.tiers import Tier, end_s, tiers
from mien.atomic import write_text


def write_textgrid(path: Path, table: AffectTable) -> None:
    """Write the tiers of one input; intervals fill the whole time, empty where there is nothing."""
    found, end = tiers(table), end_s(table)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += [
        "xmin = 0",
        f"xmax = {end:.6f}",
        "tiers? <exists>",
        f"size = {len(found)}",
        "item []:",
    ]
    for number, tier in enumerate(found, start=1):
        intervals = list(_filled(tier, end))
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(tier.name)}",
            "        xmin = 0",
            f"        xmax = {end:.6f}",
            f"        intervals: size = {len(intervals)}",
        ]
        for i, (start_s, stop_s, text) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{i}]:",
                f"            xmin = {start_s:.6f}",
                f"            xmax = {stop_s:.6f}",
                f"            text = {_quoted(text)}",
            ]
    write_text(path, "\n".join(lines) + "\n")


def _filled(tier: Tier, end: float) -> Iterator[tuple[float, float, str]]:
    at = 0.0
    for segment in tier.segments:
        if segment.start_s > at + 1e-9:
            yield at, segment.start_s, ""
        yield segment.start_s, min(segment.end_s, end), segment.label
        at = segment.end_s
    if at < end - 1e-9:
        yield at, end, ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
