"""The page of a run: its recipe, warnings, curves, and samples over time."""

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import cycle
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, select_autoescape
from plotly.subplots import make_subplots

from mien.atomic import write_text
from mien.report.figures import PLOTLY_SCRIPT
from mien.report.pictures import data_url
from mien.runs.run import Run

PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("losses", ("discriminator/loss", "generator/loss")),
    ("who is called real", ("p_real/of_real", "p_real/of_fake", "p_real/of_wrong_label")),
    ("valence and arousal on val, CCC", ("val/ccc/valence", "val/ccc/arousal")),
    ("units and expressions on val", ("val/au/mean_f1", "val/expression/macro_f1")),
    ("samples: distance over that of real faces", ("monitor/diversity", "monitor/duplicates")),
    ("gradient norms", ("discriminator/gradient_norm", "generator/gradient_norm")),
    ("discriminator's heads on real faces", (
        "discriminator/real/valence_arousal", "discriminator/real/au",
        "discriminator/real/expression", "discriminator/real/fake",
    )),
    ("critic", ("critic/distance", "critic/penalty")),
    ("heads on val: what they say on average, less what is so", ("monitor/drift/*",)),
)  # fmt: skip
MOST_GRIDS = 8
COLOURS = ("#00897b", "#d81b60", "#5e35b1", "#fb8c00", "#1e88e5", "#6d4c41", "#7cb342", "#546e7a")


def write_run_report(run: Run) -> Path:
    """Write report.html into a run's folder, from what is logged so far; returns its path."""
    lines = _lines(run.metrics_file)
    grids = sorted((run.folder / "samples").glob("step-*.png"))
    info = run.info()
    environment = Environment(
        loader=PackageLoader("mien.report"), autoescape=select_autoescape(default=True)
    )
    page = environment.get_template("run.html").render(
        plotly=PLOTLY_SCRIPT,
        name=run.folder.name,
        recipe=info.get("recipe", ""),
        facts=_facts(info, lines),
        warnings=[(line["step"], line["warning"]) for line in lines if "warning" in line],
        figure=_curves(lines),
        grids=[(int(g.stem.split("-")[1]), data_url(g)) for g in _spread(grids)],
        settings=run.recipe_file.read_text(encoding="utf-8"),
    )
    target = run.folder / "report.html"
    write_text(target, page)
    return target


def _lines(path: Path) -> list[dict[str, Any]]:
    """Read the log; a line that is being written is left out."""
    found = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def _facts(info: dict[str, Any], lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    best = info.get("best")
    speeds = [line["speed/images_per_s"] for line in lines if "speed/images_per_s" in line]
    last = max((line["step"] for line in lines), default=0)
    return [
        ("store", Path(info["store"]).name),
        ("steps so far", f"{last:,}"),
        ("best", f"{best['value']:.3f} at {best['step']:,} ({best['metric']})" if best else "–"),
        ("speed", f"{sorted(speeds)[len(speeds) // 2]:.0f} images a second" if speeds else "–"),
        ("seed", str(info.get("seed", ""))),
    ]


def _spread(grids: Sequence[Path]) -> list[Path]:
    """At most MOST_GRIDS of them, first and last included."""
    if len(grids) <= MOST_GRIDS:
        return list(grids)
    step = (len(grids) - 1) / (MOST_GRIDS - 1)
    return [grids[round(i * step)] for i in range(MOST_GRIDS)]


def _short(name: str, series: Sequence[tuple[str, Any]]) -> str:
    """The last part of a name, or all of it where two of a panel end alike."""
    last = name.rsplit("/", 1)[-1]
    alike = sum(other.rsplit("/", 1)[-1] == last for other, _ in series) > 1
    return name.replace("/", " ") if alike else last


def _curves(lines: list[dict[str, Any]]) -> str:
    """Draw the panels that have anything to show, as HTML."""
    shown = []
    logged = sorted({name for line in lines for name in line})
    for title, patterns in PANELS:
        names = [n for p in patterns for n in logged if fnmatchcase(n, p)]
        series = [(name, [x for x in lines if name in x]) for name in names]
        series = [(name, found) for name, found in series if len(found) > 1]
        if series:
            shown.append((title, series))
    if not shown:
        return ""
    rows = -(-len(shown) // 2)
    titles = [title for title, _ in shown]
    figure = make_subplots(rows=rows, cols=2, subplot_titles=titles, vertical_spacing=0.25 / rows)
    for i, (_, series) in enumerate(shown):
        for (name, found), colour in zip(series, cycle(COLOURS), strict=False):
            line = go.Scatter(
                x=[x["step"] for x in found], y=[round(x[name], 5) for x in found], mode="lines",
                name=name, line={"color": colour, "width": 1.6}, showlegend=False,
                hovertemplate=f"{name}<br>%{{x}}: %{{y}}<extra></extra>",
            )  # fmt: skip
            figure.add_trace(line, row=i // 2 + 1, col=i % 2 + 1)
            figure.add_annotation(
                x=found[-1]["step"], y=found[-1][name], text=_short(name, series),
                showarrow=False, xanchor="right", yanchor="bottom", row=i // 2 + 1, col=i % 2 + 1,
                font={"color": colour, "size": 11},
            )  # fmt: skip
    figure.update_layout(
        height=260 * rows + 40, template="plotly_white",
        margin={"l": 50, "r": 20, "t": 40, "b": 30},
        font={"family": "system-ui, sans-serif", "size": 12},
    )  # fmt: skip
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    return html
