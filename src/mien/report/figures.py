"""Interactive figures as HTML fragments; plotly's script is put into a page once."""

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from mien.labels.table_columns import AffectColumns, span, unit_title
from mien.report.traces import Trace, TurningPoint

_Panel = tuple[str, Sequence[str], Callable[[go.Figure, int, Trace, Sequence[str]], None]]
"""Title, columns, and what draws them into a row of a figure."""

PLOTLY_SCRIPT = get_plotlyjs()
_EXPRESSION_COLOURS = {
    "neutral": "#b0bec5",
    "anger": "#e53935",
    "disgust": "#7cb342",
    "fear": "#8e24aa",
    "happiness": "#fdd835",
    "sadness": "#1e88e5",
    "surprise": "#fb8c00",
    "contempt": "#6d4c41",
    "other": "#455a64",
}


def affect_figure(trace: Trace, columns: AffectColumns, points: Sequence[TurningPoint]) -> str:
    """Draw valence and arousal, rasters of the Action Units and the classes over one time axis.

    A panel without any value is left out. Returns HTML, empty where there is nothing to draw.
    """
    panels: list[_Panel] = [
        ("valence and arousal", columns.axes, _lines),
        ("Action Units: probability", columns.presence, _raster),
        ("Action Units: intensity, 0 to 5", columns.intensity, _raster),
        ("expressions: probability", columns.classes, _areas),
    ]
    panels = [
        (title, known, draw) for title, names, draw in panels if (known := trace.known(names))
    ]
    if not panels:
        return ""
    heights = [60 + 24 * len(names) if draw is _raster else 200 for _, names, draw in panels]
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=0.09,
        subplot_titles=[title for title, _, _ in panels],
    )
    for row, (_, names, draw) in enumerate(panels, start=1):
        draw(figure, row, trace, names)
    for point in points:
        figure.add_vline(
            x=point.time_s, line={"color": "rgba(0,0,0,.35)", "width": 1, "dash": "dot"}
        )
    figure.update_xaxes(title_text="seconds", row=len(panels), col=1)
    figure.update_layout(
        height=sum(heights) + 140,
        margin={"l": 170, "r": 30, "t": 40, "b": 50},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.12},
    )
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    return html


def _lines(figure: go.Figure, row: int, trace: Trace, names: Sequence[str]) -> None:
    for name, colour in zip(("valence", "arousal"), ("#00897b", "#d81b60"), strict=True):
        if name in names:
            line = go.Scatter(
                x=trace.time_s,
                y=np.round(trace.signals[name], 4),
                name=name,
                mode="lines",
                line={"color": colour, "width": 2},
            )
            figure.add_trace(line, row=row, col=1)
    figure.update_yaxes(range=[-1, 1], zeroline=True, row=row, col=1)


def _raster(figure: go.Figure, row: int, trace: Trace, names: Sequence[str]) -> None:
    raster = go.Heatmap(
        x=trace.time_s,
        y=[unit_title(name) for name in names],
        z=np.round(np.stack([trace.signals[name] for name in names]), 3),
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
            x=trace.time_s,
            y=np.round(trace.signals[name], 4),
            name=name,
            mode="lines",
            stackgroup="expressions",
            line={"width": 0.5, "color": _EXPRESSION_COLOURS.get(name)},
        )
        figure.add_trace(area, row=row, col=1)
    figure.update_yaxes(range=[0, 1], row=row, col=1)
