"""Charts as data for plotly's script: a page draws them in its own colours, light or dark."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chart = dict[str, Any]
"""`data` and `layout` of a plotly figure; the page sets sizes, fonts and the colours of axes."""

PALETTE = (
    "#26a69a", "#ec407a", "#7e57c2", "#ffa726", "#42a5f5", "#8d6e63", "#9ccc65", "#78909c",
    "#ef5350", "#26c6da",
)  # fmt: skip
PLANE = {"range": [-1, 1], "dtick": 0.5}


def chart_json(charts: Mapping[str, Chart]) -> str:
    """JSON that may stand in a script of a page: no tag, no number that JSON lacks."""
    text = json.dumps(_plain(charts), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value


def bars(names: Sequence[str], series: Mapping[str, Sequence[float]], y: str) -> Chart:
    """Bars by name, side by side where there are several series."""
    data = [
        {"type": "bar", "name": name, "x": list(names), "y": list(values),
         "marker": {"color": PALETTE[i % len(PALETTE)]}}
        for i, (name, values) in enumerate(series.items())
    ]  # fmt: skip
    layout = {"yaxis": {"title": {"text": y}}, "showlegend": len(series) > 1}
    return {"data": data, "layout": layout}


def histograms(edges: NDArray[np.float64], series: Mapping[str, NDArray[np.int64]]) -> Chart:
    """Shares of the faces in bins, as steps, one for each series."""
    middle = (edges[1:] + edges[:-1]) / 2
    data = []
    for i, (name, counts) in enumerate(series.items()):
        share = 100 * counts / max(int(counts.sum()), 1)
        line = {"color": PALETTE[i % len(PALETTE)], "width": 1.8, "shape": "hvh"}
        fill = {"fill": "tozeroy"} if i == 0 else {}
        data.append({"type": "scatter", "mode": "lines", "name": name, "x": middle, "y": share,
                     "line": line, **fill})  # fmt: skip
    return {"data": data, "layout": {"xaxis": PLANE, "yaxis": {"title": {"text": "% of faces"}}}}


def plane(
    counts: NDArray[np.int64], lines: Mapping[str, tuple[float, float]] | None = None
) -> Chart:
    """Density (B, B) over valence and arousal, its logarithm as colour; cells of none stay open.

    lines: name to slope and offset of arousal over |valence|.
    """
    bins = len(counts)
    middle = (np.arange(bins) + 0.5) / bins * 2 - 1
    shade = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan)
    data: list[Chart] = [
        {"type": "heatmap", "x": middle, "y": middle, "z": shade, "colorscale": "Viridis",
         "showscale": False, "customdata": counts, "hoverongaps": False,
         "hovertemplate": "valence %{x:.2f}, arousal %{y:.2f}: %{customdata} faces<extra></extra>"}
    ]  # fmt: skip
    for i, (name, (slope, offset)) in enumerate((lines or {}).items()):
        if math.isfinite(slope):
            x = np.array([-1.0, 0.0, 1.0])
            style = {"color": "#ec407a" if i else "#90a4ae", "width": 2}
            style |= {} if i else {"dash": "dot"}
            data.append({"type": "scatter", "mode": "lines", "name": name, "x": x,
                         "y": slope * np.abs(x) + offset, "line": style})  # fmt: skip
    axes = {"xaxis": {**PLANE, "title": {"text": "valence"}},
            "yaxis": {**PLANE, "title": {"text": "arousal"}}}  # fmt: skip
    return {"data": data, "layout": {**axes, "showlegend": False, "square": True}}


def pie(names: Sequence[str], counts: Sequence[int]) -> Chart:
    """Shares of names, in their order; those that never occur are left out."""
    known = [(n, c, PALETTE[i % len(PALETTE)])
             for i, (n, c) in enumerate(zip(names, counts, strict=True)) if c]  # fmt: skip
    data = {
        "type": "pie", "labels": [n for n, _, _ in known], "values": [c for _, c, _ in known],
        "sort": False, "textinfo": "label+percent", "textposition": "inside",
        "marker": {"colors": [colour for _, _, colour in known]},
    }  # fmt: skip
    return {"data": [data], "layout": {"showlegend": False}}


def together(names: Sequence[str], counts: NDArray[np.int64]) -> Chart:
    """How often a unit (column) is shown where another one (row) is, in per cent."""
    own = np.diagonal(counts).astype(float)[:, None]
    share = np.where(own > 0, 100 * counts / np.maximum(own, 1), np.nan)
    data = {
        "type": "heatmap", "x": list(names), "y": list(names), "z": share, "zmin": 0, "zmax": 100,
        "colorscale": "Viridis", "customdata": counts, "hoverongaps": False,
        "colorbar": {"title": {"text": "%"}, "thickness": 12},
        "hovertemplate": "of faces with %{y}, %{z:.1f} % show %{x} (%{customdata})<extra></extra>",
    }  # fmt: skip
    axes = {"yaxis": {"autorange": "reversed", "type": "category"}, "xaxis": {"type": "category"}}
    return {"data": [data], "layout": {**axes, "square": True}}


def course(
    seconds: NDArray[np.float64], affect: NDArray[np.float32], marks: Mapping[str, float]
) -> Chart:
    """Valence and arousal (T, 2) over time, and letters where frames were taken."""
    data = [
        {"type": "scatter", "mode": "lines", "name": name, "x": seconds,
         "y": affect[:, i].astype(float), "line": {"color": PALETTE[i], "width": 2}}
        for i, name in enumerate(("valence", "arousal"))
    ]  # fmt: skip
    dot = {"width": 1, "dash": "dot", "color": "#90a4ae"}
    shapes = [
        {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": dot}
        for at in marks.values()
    ]
    notes = [
        {"x": at, "y": 1, "yref": "paper", "text": name, "showarrow": False, "yanchor": "bottom"}
        for name, at in marks.items()
    ]
    layout = {"yaxis": PLANE, "xaxis": {"title": {"text": "seconds"}}, "shapes": shapes,
              "annotations": notes}  # fmt: skip
    return {"data": data, "layout": layout}
