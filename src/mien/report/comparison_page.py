"""The page of a comparison: both courses, one against the other, and Bland-Altman."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from mien.report.figures import PLOTLY_SCRIPT, in_page
from mien.report.pages import write_page

Array = NDArray[np.float64]
A, B, OFF = "#00897b", "#d81b60", "#5e7f8c"
MOST_POINTS = 3000


class Signal(Protocol):
    """`analysis.comparison.Agreement`, as far as it is drawn."""

    @property
    def signal(self) -> str:
        """Column."""

    @property
    def n(self) -> int:
        """Number of moments."""

    @property
    def a(self) -> Array:
        """(n,) values of A."""

    @property
    def b(self) -> Array:
        """(n,) values of B."""

    @property
    def time_s(self) -> Array:
        """(n,) seconds; NaN of photographs."""

    def numbers(self) -> dict[str, float | int]:
        """Scores by name: r, ccc, bias, low, high, lag_s ..."""


class Nominal(Protocol):
    """`analysis.comparison.NominalAgreement`."""

    @property
    def signal(self) -> str:
        """Column."""

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """How often a pair of names met."""


class Compared(Protocol):
    """`analysis.comparison.Comparison`."""

    @property
    def a(self) -> str:
        """Name of A."""

    @property
    def b(self) -> str:
        """Name of B."""

    @property
    def continuous(self) -> Sequence[Signal]:
        """Of numbers."""

    @property
    def nominal(self) -> Sequence[Nominal]:
        """Of names."""

    @property
    def notes(self) -> Sequence[str]:
        """What was chosen of several."""


def write_comparison_page(path: Path, found: Compared) -> None:
    """Write the HTML page."""
    drawn = [(c.signal, _figure(found, c)) for c in told_once(found.continuous) if c.n > 1]
    write_page(
        path, "compare.html", found=found, figures=drawn, plotly=PLOTLY_SCRIPT if drawn else "",
        tables=[(c.signal, *_confusion(c)) for c in found.nominal if c.signal == "expression"],
    )  # fmt: skip


def told_once(signals: Sequence[Signal]) -> list[Signal]:
    """Without the probabilities of units whose intensity is there too."""
    names = {one.signal for one in signals}
    return [c for c in signals if not (c.signal.endswith("_p") and c.signal[:-2] + "_r" in names)]


def _figure(found: Compared, one: Signal) -> str:
    timed = bool(np.isfinite(one.time_s).any())
    wide = [{"colspan": 2}, None] if timed else None
    figure = make_subplots(
        rows=1 + timed, cols=2, specs=[*([wide] if wide else []), [{}, {}]],
        subplot_titles=[*(["over time"] if timed else []), "B against A", "B - A against the mean"],
        vertical_spacing=0.16,
    )  # fmt: skip
    kept = np.linspace(0, one.n - 1, min(one.n, MOST_POINTS)).astype(int)
    time_s, a, b = (v[kept].astype(np.float32) for v in (one.time_s, one.a, one.b))
    if timed:
        for values, name, colour in ((a, f"A {found.a}", A), (b, f"B {found.b}", B)):
            line = go.Scatter(x=time_s, y=values, name=name, line={"color": colour, "width": 1.8})
            figure.add_trace(line, row=1, col=1)
    points = {"mode": "markers", "showlegend": False,
              "marker": {"size": 4, "color": OFF, "opacity": 0.5}}  # fmt: skip
    row = 1 + timed
    figure.add_trace(go.Scatter(x=a, y=b, **points), row=row, col=1)
    ends = [float(min(a.min(), b.min())), float(max(a.max(), b.max()))]
    same = go.Scatter(x=ends, y=ends, mode="lines", showlegend=False, line={"color": A, "width": 1})
    figure.add_trace(same, row=row, col=1)
    figure.add_trace(go.Scatter(x=(a + b) / 2, y=b - a, **points), row=row, col=2)
    scores = one.numbers()
    for name, dash in (("bias", "solid"), ("low", "dash"), ("high", "dash")):
        figure.add_hline(
            y=scores[name], line={"color": B, "width": 1, "dash": dash}, row=row, col=2
        )
    figure.update_layout(
        template="none", height=330 + 230 * timed, margin={"l": 46, "r": 12, "t": 30, "b": 36},
        font={"family": "system-ui, sans-serif", "size": 12},
        legend={"orientation": "h", "y": 1.12},
    )  # fmt: skip
    return in_page(figure)


def _confusion(one: Nominal) -> tuple[list[str], list[list[int]]]:
    names = sorted({name for pair in one.counts for name in pair})
    return names, [[one.counts.get((a, b), 0) for b in names] for a in names]
