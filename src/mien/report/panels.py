"""Small panels of curves, two in a row: what the pages of runs and of tables are drawn with."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

Course = Sequence[tuple[int, float]]
"""Steps and values."""

COLOURS = (
    "#00897b", "#d81b60", "#5e35b1", "#fb8c00", "#1e88e5", "#6d4c41", "#7cb342", "#546e7a",
    "#e53935",
)  # fmt: skip
HEIGHT = 260


class Panels:
    """A figure that is filled panel by panel."""

    def __init__(self, titles: Sequence[str]) -> None:
        self.rows = -(-len(titles) // 2)
        self._figure = make_subplots(
            rows=self.rows, cols=2, subplot_titles=titles, vertical_spacing=0.25 / self.rows
        )

    def line(self, panel: int, name: str, course: Course, colour: str, **more: Any) -> None:
        """Draw a course into a panel; `more` is for plotly's Scatter."""
        steps, values = zip(*course, strict=True)
        curve = go.Scatter(
            x=steps, y=[round(value, 5) for value in values], mode="lines", name=name,
            line={"color": colour, "width": 1.6}, **more,
        )  # fmt: skip
        self._figure.add_trace(curve, row=panel // 2 + 1, col=panel % 2 + 1)

    def say(self, panel: int, at: tuple[int, float], text: str, colour: str) -> None:
        """Write a word where a curve ends."""
        self._figure.add_annotation(
            x=at[0], y=at[1], text=text, showarrow=False, xanchor="right", yanchor="bottom",
            row=panel // 2 + 1, col=panel % 2 + 1, font={"color": colour, "size": 11},
        )  # fmt: skip

    def logarithmic(self, panel: int) -> None:
        """Give a panel a logarithmic axis of values."""
        self._figure.update_yaxes(type="log", row=panel // 2 + 1, col=panel % 2 + 1)

    def html(self, below: int, **layout: Any) -> str:
        """Return the figure for a page that has plotly's script; `below`: pixels under it."""
        self._figure.update_layout(
            height=HEIGHT * self.rows + below, template="plotly_white",
            margin={"l": 50, "r": 20, "t": 40, "b": 30},
            font={"family": "system-ui, sans-serif", "size": 12}, **layout,
        )  # fmt: skip
        html: str = self._figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            config={"displaylogo": False, "responsive": True},
        )
        return html
