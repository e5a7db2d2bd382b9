"""The page of `mien review --report`: frames before and after detection, sizes of faces."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.report.pages import write_page

MOST = 400
"""Videos in a chart; the table has them all."""
_SMALL, _LARGE = 16, 1024
"""Ends of the scale of sizes, in pixels, by its logarithm."""


def write_review_report(path: Path, found: Mapping[str, Any], name: str) -> None:
    """Write what `curation.losses.losses` returned as a page that needs nothing else."""
    counted = [told for told in found["videos"] if told["frames"]]
    sized = [told for told in found["videos"] if told["height"]]
    write_page(
        path,
        "review.html",
        name=name,
        all=found["all"],
        photographs=found["photographs"],
        videos=found["videos"],
        bars=_bars(counted[:MOST]),
        spans=_spans(sized[:MOST]),
        ticks=[(_place(size), size) for size in (16, 32, 64, 128, 256, 512, 1024)],
        cut=max(0, len(found["videos"]) - MOST),
    )


def _bars(videos: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lengths of bars, in per cent of the longest video."""
    longest = max((told["frames"] for told in videos), default=1)
    return [
        {
            **told,
            **{f"{part}_long": round(100 * told[part] / longest, 2)
               for part in ("frames", "detected", "kept")},
        }
        for told in videos
    ]  # fmt: skip


def _spans(videos: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Places of the least, mean and greatest width and height on the scale, in per cent."""
    return [
        {**told, "w": [_place(v) for v in told["width"]], "h": [_place(v) for v in told["height"]]}
        for told in videos
    ]


def _place(size: float) -> float:
    from math import log

    share = log(max(size, _SMALL) / _SMALL) / log(_LARGE / _SMALL)
    return round(100 * min(share, 1.0), 2)
