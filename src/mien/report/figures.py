"""Interactive figures as JSON; plotly's script and the page's own draw them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from mien.labels.table_columns import AffectColumns, span, unit_title
from mien.report.traces import Array as Floats
from mien.report.traces import Trace, TurningPoint

_Panel = tuple[str, Sequence[str], Callable[[go.Figure, int, Trace, Sequence[str]], None]]
"""Title, columns, and what draws them into a row of a figure."""

PLOTLY_SCRIPT = get_plotlyjs()
EXPRESSION_COLOURS = {
    "neutral": "#90a4ae",
    "anger": "#e53935",
    "disgust": "#7cb342",
    "fear": "#8e24aa",
    "happiness": "#f9a825",
    "sadness": "#1e88e5",
    "surprise": "#fb8c00",
    "contempt": "#8d6e63",
    "other": "#607d8b",
}
_ROW_PX, _PANEL_PX, _RIBBON_PX = 19, 190, 60
_FONT = {"family": "system-ui, sans-serif", "size": 13}


@dataclass(frozen=True)
class Stretch:
    """From start_s to end_s an expression is the likeliest."""

    start_s: float
    end_s: float
    name: str


def affect_figure(
    trace: Trace,
    columns: AffectColumns,
    points: Sequence[TurningPoint],
    ribbon: Sequence[Stretch] = (),
) -> str:
    """Draw expressions, valence and arousal, and rasters of the units over one time axis.

    ribbon: the likeliest expression over time. A panel without any value is left out; of units with
    intensity, presence has no raster of its own. Returns the figure as JSON for the page's script,
    empty where there is nothing to draw.
    """
    told = {name[:-2] for name in trace.known(columns.intensity)}
    alone = [name for name in columns.presence if name[:-2] not in told]
    panels: list[_Panel] = [
        ("valence and arousal", columns.axes, _lines),
        ("Action Units: probability", alone, _raster),
        ("Action Units: intensity, 0 to 5", columns.intensity, _raster),
        ("expressions: probability", columns.classes, _areas),
    ]
    panels = [
        (title, known, draw) for title, names, draw in panels if (known := trace.known(names))
    ]
    if not panels:
        return ""
    heights = [30 + _ROW_PX * len(n) if draw is _raster else _PANEL_PX for _, n, draw in panels]
    titles, first = [title for title, _, _ in panels], 1
    if ribbon:
        heights, titles, first = [_RIBBON_PX, *heights], ["likeliest expression", *titles], 2
    total = sum(heights) + 44 * len(heights)
    figure = make_subplots(
        rows=len(heights), cols=1, shared_xaxes=True, row_heights=heights,
        vertical_spacing=44 / total, subplot_titles=titles,
    )  # fmt: skip
    if ribbon:
        _ribbon(figure, ribbon)
    for row, (_, names, draw) in enumerate(panels, start=first):
        draw(figure, row, trace, names)
    for point in points:
        figure.add_vline(x=point.time_s, line={"color": "#888", "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text="seconds", row=len(heights), col=1)
    if len(trace.time_s) > 1:
        figure.update_xaxes(range=[float(trace.time_s[0]), float(trace.time_s[-1])])
    figure.update_layout(
        height=total + 90, margin={"l": 180, "r": 16, "t": 36, "b": 44}, font=_FONT,
        legend={"orientation": "h", "y": -0.06, "yanchor": "top"}, barmode="overlay",
        dragmode="zoom", hovermode="closest",
    )  # fmt: skip
    figure.update_layout(template="none")
    for title in figure.layout.annotations:
        title.update(x=0, xanchor="left", font={"size": 13})
    return in_page(figure)


def density_figure(valence: Floats, arousal: Floats) -> str:
    """Draw where a person was in the plane of valence and arousal, as JSON for the page's script.

    valence, arousal: (T,), NaN left out. The last trace is the point of the moment, which the page
    moves. Empty where fewer than two moments are known.
    """
    known = np.isfinite(valence) & np.isfinite(arousal)
    if known.sum() < 2:
        return ""
    figure = go.Figure()
    figure.add_trace(
        go.Histogram2d(
            x=valence[known].astype(np.float32), y=arousal[known].astype(np.float32),
            xbins={"start": -1, "end": 1, "size": 0.1}, ybins={"start": -1, "end": 1, "size": 0.1},
            showscale=False, colorscale="Blues",
            hovertemplate="%{x}, %{y}: %{z} frames<extra></extra>",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(x=[None], y=[None], mode="markers", marker={"size": 12, "color": "#d81b60"},
                   hoverinfo="skip", showlegend=False)
    )  # fmt: skip
    figure.add_shape(type="circle", x0=-1, y0=-1, x1=1, y1=1, line={"color": "#888", "width": 1})
    axis = {"range": [-1.05, 1.05], "zeroline": True, "fixedrange": True, "tickvals": [-1, 0, 1]}
    figure.update_xaxes(title_text="valence", constrain="domain", **axis)
    figure.update_yaxes(title_text="arousal", scaleanchor="x", **axis)
    figure.update_layout(
        template="none", height=300, font=_FONT, margin={"l": 48, "r": 12, "t": 12, "b": 44}
    )
    return in_page(figure)


def in_page(figure: go.Figure) -> str:
    """A figure as JSON that may stand within a script element."""
    text: str = figure.to_json()
    return text.replace("<", "\\u003c")


def _ribbon(figure: go.Figure, ribbon: Sequence[Stretch]) -> None:
    for name in dict.fromkeys(stretch.name for stretch in ribbon):
        own = [stretch for stretch in ribbon if stretch.name == name]
        bars = go.Bar(
            x=[round(s.end_s - s.start_s, 3) for s in own], y=[""] * len(own),
            base=[round(s.start_s, 3) for s in own], orientation="h", name=name, width=0.9,
            marker={"color": EXPRESSION_COLOURS.get(name), "line": {"width": 0}},
            legendgroup=name, hovertemplate=f"{name}<br>from %{{base:.2f}} s<extra></extra>",
        )  # fmt: skip
        figure.add_trace(bars, row=1, col=1)
    figure.update_yaxes(showticklabels=False, row=1, col=1)


def _lines(figure: go.Figure, row: int, trace: Trace, names: Sequence[str]) -> None:
    for name, colour in zip(("valence", "arousal"), ("#00897b", "#d81b60"), strict=True):
        if name in names:
            line = go.Scatter(
                x=trace.time_s.astype(np.float32),
                y=trace.signals[name].astype(np.float32),
                name=name,
                mode="lines",
                line={"color": colour, "width": 2},
            )
            figure.add_trace(line, row=row, col=1)
    figure.update_yaxes(range=[-1, 1], zeroline=True, row=row, col=1)


def _raster(figure: go.Figure, row: int, trace: Trace, names: Sequence[str]) -> None:
    raster = go.Heatmap(
        x=trace.time_s.astype(np.float32),
        y=[unit_title(name) for name in names],
        z=np.stack([trace.signals[name] for name in names]).astype(np.float32),
        zmin=0,
        zmax=span(names[0]),
        colorscale="Blues",
        showscale=False,
        hovertemplate="%{y}<br>%{x:.2f} s: %{z:.2f}<extra></extra>",
    )
    figure.add_trace(raster, row=row, col=1)
    figure.update_yaxes(autorange="reversed", row=row, col=1)


def _areas(figure: go.Figure, row: int, trace: Trace, names: Sequence[str]) -> None:
    for name in names:
        area = go.Scatter(
            x=trace.time_s.astype(np.float32),
            y=trace.signals[name].astype(np.float32),
            name=name,
            mode="lines",
            stackgroup="expressions",
            legendgroup=name,
            showlegend=not any(named.name == name for named in figure.data),
            line={"width": 0.5, "color": EXPRESSION_COLOURS.get(name)},
        )
        figure.add_trace(area, row=row, col=1)
    figure.update_yaxes(range=[0, 1], row=row, col=1)
