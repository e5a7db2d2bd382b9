"""WebVTT: the dominant expression as subtitles that players and browsers show."""

from pathlib import Path

from mien.analysis.affect_table import AffectTable
from mien.analysis.formats.tiers import tiers
from mien.atomic import write_text
from mien.errors import InputError
from mien.labels.table_columns import CLASS


def write_webvtt(path: Path, table: AffectTable) -> None:
    """Write a cue per stretch of one expression; with several people each cue names its person."""
    found = [tier for tier in tiers(table) if tier.name.endswith(CLASS) and "rule" not in tier.name]
    if not found and not table.columns.classes:
        raise InputError("the table has no expressions, and subtitles would be empty")
    cues = sorted(
        (segment.start_s, segment.end_s, tier.name.removesuffix(CLASS) + segment.label)
        for tier in found
        for segment in tier.segments
    )
    blocks = [f"{_clock(start)} --> {_clock(end)}\n{_escaped(text)}" for start, end, text in cues]
    write_text(path, "\n\n".join(["WEBVTT", *blocks]) + "\n")


def _clock(time_s: float) -> str:
    milliseconds = round(1000 * time_s)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
