"""The page of a run: its recipe, warnings, curves, and samples over time."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import cycle
from pathlib import Path
from typing import Any

from mien.labels.heads import HEADS
from mien.report.figures import PLOTLY_SCRIPT
from mien.report.pages import write_page
from mien.report.panels import COLOURS, Panels
from mien.report.pictures import data_url
from mien.runs.run import Run

LOSSES = tuple(f"recogniser/{head}" for head in HEADS)
PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("losses", ("recogniser/loss", "discriminator/loss", "generator/loss")),
    ("share called real", ("p_real/of_real", "p_real/of_fake", "p_real/of_wrong_label")),
    ("CCC on val", ("val/*/ccc/*",)),
    ("mean F1 and macro F1 on val", ("val/*/mean_f1", "val/*/macro_f1")),
    ("samples: distance over that of real faces", ("monitor/diversity", "monitor/duplicates")),
    ("gradient norms", ("*/gradient_norm",)),
    (
        "losses by head on real faces",
        ("discriminator/real/*", *LOSSES),
    ),
    ("critic", ("critic/distance", "critic/penalty")),
    ("heads on val: mean prediction less mean label", ("monitor/drift/*",)),
)
MOST_GRIDS = 8


def write_run_report(run: Run) -> Path:
    """Write report.html into a run's folder, from what is logged so far; returns its path."""
    target = run.folder / "report.html"
    lines = run.log()
    grids = sorted((run.folder / "samples").glob("step-*.png"))
    info = run.info()
    write_page(
        target,
        "run.html",
        plotly=PLOTLY_SCRIPT,
        name=run.folder.name,
        recipe=info.get("recipe", ""),
        facts=_facts(info, lines),
        warnings=[(line["step"], line["warning"]) for line in lines if "warning" in line],
        figure=_curves(lines),
        grids=[(int(g.stem.split("-")[1]), data_url(g)) for g in _spread(grids)],
        settings=run.recipe_file.read_text(encoding="utf-8"),
    )
    return target


def _facts(info: dict[str, Any], lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    best = info.get("best")
    speeds = [line["speed/images_per_s"] for line in lines if "speed/images_per_s" in line]
    last = max((line["step"] for line in lines), default=0)
    return [
        ("store", ", ".join(Path(name).name for name in info["stores"])),
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
        series = [(name, [(x["step"], x[name]) for x in lines if name in x]) for name in names]
        series = [(name, course) for name, course in series if len(course) > 1]
        if series:
            shown.append((title, series))
    if not shown:
        return ""
    panels = Panels([title for title, _ in shown])
    for i, (_, series) in enumerate(shown):
        for (name, course), colour in zip(series, cycle(COLOURS), strict=False):
            hover = f"{name}<br>%{{x}}: %{{y}}<extra></extra>"
            panels.line(i, name, course, colour, showlegend=False, hovertemplate=hover)
            panels.say(i, course[-1], _short(name, series), colour)
    return panels.html(40)
