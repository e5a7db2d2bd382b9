"""The lag of every annotator of a panel."""

from collections.abc import Sequence

import numpy as np

from mien.annotation.items import Floats, Frames
from mien.annotation.lag import lag_behind, shifts
from mien.annotation.marks import DIMENSIONS
from mien.annotation.panel import Panel
from mien.annotation.rasters import at_times, trace

RATE = 12.0
"""Frames a second that are looked at: enough for the shifts that are tried, and quick."""


def found_lags(panel: Panel) -> dict[str, tuple[float, str]]:
    """Each annotator's lag in seconds, and how it was found.

    `marks`: against all annotators' marks. `others`: only by how much somebody is later than the
    quickest, whose lag is taken for 0. Annotators without traces are left out.
    """
    found = {}
    marked = [_marked(panel, here) for here in panel.slices]
    for name in panel.annotators:
        places = _with_traces(panel, name)
        targets = [marked[i][:: _stride(panel.frames[i])] for i in places]
        lag = lag_behind(targets, _moved(panel, name, places)) if places else None
        if lag is not None:
            found[name] = (lag, "marks")
    return found if found else _relative(panel)


def _with_traces(panel: Panel, name: str) -> list[int]:
    found = []
    for i, item in enumerate(panel.items):
        state = panel.states.get((name, item.id))
        if state is not None and state.takes and item.kind == "video":
            found.append(i)
    return found


def _stride(frames: Frames) -> int:
    return max(1, int(len(frames) / max(frames.end_s, 1e-9) / RATE))


def _marked(panel: Panel, here: slice) -> Floats:
    """Share of the annotators who mark each unit and expression (n, U + E)."""
    units, names = panel.units[:, here], panel.expression[:, here]
    judged = np.maximum((~np.isnan(units)).sum(0), 1)
    each = [(names == c).sum(0) for c in range(len(panel.expression_names))]
    return np.column_stack([(units == 1).sum(0) / judged, *each]).astype(np.float64)


def _moved(panel: Panel, name: str, places: Sequence[int]) -> list[list[Floats]]:
    """Per dimension and item the trace (n, S) at every shift."""
    found: list[list[Floats]] = [[], []]
    for i in places:
        frames, state = panel.frames[i], panel.states[name, panel.items[i].id]
        times = frames.time_s[:: _stride(frames), None] + shifts()
        for d, dimension in enumerate(DIMENSIONS):
            values = at_times(trace(state, dimension), times.reshape(-1))
            found[d].append(values.reshape(times.shape))
    return found


def _relative(panel: Panel) -> dict[str, tuple[float, str]]:
    """Lags behind whoever is quickest: of every two annotators one is behind the other."""
    places = {name: _with_traces(panel, name) for name in panel.annotators}
    behind = {name: [0.0] for name, found in places.items() if found}
    for one in behind:
        for other in behind:
            both = [i for i in places[one] if i in places[other]]
            if one == other or not both:
                continue
            base = [np.concatenate(d)[:, 0] for d in _moved(panel, one, both)]
            target = np.where(np.isnan(base).any(0), 0.0, np.stack(base)).T
            lag = lag_behind([target], [[np.concatenate(d)] for d in _moved(panel, other, both)])
            behind[other].append(lag or 0.0)
    return {name: (max(found), "others") for name, found in behind.items()}
