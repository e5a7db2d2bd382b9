"""Labels that follow a video through cuts and a new rate.

Their times and frames become those of the new video; rows of what was left out are gone.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mien.errors import InputError
from mien.media.recut import TimeMap
from mien.media.timeline import Timeline

SECONDS = ("time_s", "timestamp", "seconds", "Seconds", "time")
FRAMES = ("frame", "frame_number")


def follow(
    columns: Mapping[str, Sequence[str]], times: TimeMap, timeline: Timeline, first: int = 0
) -> dict[str, list[str]]:
    """Columns of a table of labels of the old video to those of the new.

    With a column of seconds, each row keeps its values and gets its new time. With frames alone,
    the new video's frames take the row of the old frame that they show. first: number of the
    first frame in the table, 0 or 1. Raises InputError for a table with neither.
    """
    seconds = next((name for name in SECONDS if name in columns), None)
    frames = next((name for name in FRAMES if name in columns), None)
    if seconds is not None:
        return _by_time(columns, seconds, frames, times, timeline, first)
    if frames is None:
        raise InputError(f"has neither a column of seconds ({SECONDS[0]}) nor of frames")
    rows: dict[int, list[int]] = {}
    for i, text in enumerate(columns[frames]):
        rows.setdefault(_whole(text) - first, []).append(i)
    found: dict[str, list[str]] = {name: [] for name in columns}
    for new, old in enumerate(times.source_frame):
        for row in rows.get(int(old), []):
            for name, cells in columns.items():
                found[name].append(str(new + first) if name == frames else cells[row])
    return found


def _by_time(
    columns: Mapping[str, Sequence[str]],
    seconds: str,
    frames: str | None,
    times: TimeMap,
    timeline: Timeline,
    first: int,
) -> dict[str, list[str]]:
    try:
        old = np.array([float(text) if text else np.nan for text in columns[seconds]])
    except ValueError as error:
        raise InputError(f"column {seconds}: {error}") from None
    new = timeline.new_times(old)
    kept = [int(i) for i in np.flatnonzero(np.isfinite(new))]
    nearest = np.searchsorted(times.time_s, new[kept] + 1e-4, side="right") - 1
    found = {name: [cells[i] for i in kept] for name, cells in columns.items()}
    found[seconds] = [f"{new[i]:.6f}".rstrip("0").rstrip(".") or "0" for i in kept]
    if frames is not None:
        found[frames] = [str(max(int(i), 0) + first) for i in nearest]
    return found


def _whole(text: str) -> int:
    try:
        return int(float(text))
    except ValueError:
        raise InputError(f"frame {text!r} is no number") from None
