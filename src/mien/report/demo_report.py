"""The page that a demo ends with: what was filmed, learned, generated, and seen in somebody new."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from plotly.subplots import make_subplots
from pyarrow import csv as arrow_csv

from mien.labels.heads import HEADS
from mien.metrics.continuous import ccc
from mien.metrics.heads import HEAD_SCORES
from mien.report.figures import PLOTLY_SCRIPT
from mien.report.pages import write_page
from mien.report.pictures import data_url

Array = NDArray[np.float64]

SHOWN = (
    ("valence", "valence", "valence", 1.0),
    ("arousal", "arousal", "arousal", 1.0),
    ("AU12 lip corner puller", "AU12", "AU12_p", 5.0),
    ("AU4 brow lowerer", "AU4", "AU04_p", 5.0),
    ("AU1 inner brow raiser", "AU1", "AU01_p", 5.0),
    ("AU25 lips part", "AU25", "AU25_p", 5.0),
)
"""Title, column of the truth, column of the analysis, and what full scale of the truth is."""


SHOWN_SCORES = (
    "valence CCC",
    "arousal CCC",
    "AU mean F1",
    "expression accuracy",
    "expression macro F1",
)


def write_demo_report(folder: Path, video: str) -> None:
    """Write report.html into a demo's folder, from the files that its steps left there."""
    truth = pq.read_table(folder / "cast" / "truth.parquet")
    truth = truth.filter(pc.equal(truth["video"], video))
    person = truth["person"][0].as_py()
    truth = truth.filter(pc.equal(truth["person"], person))
    seen = arrow_csv.read_csv(
        folder / "unseen.csv", convert_options=arrow_csv.ConvertOptions(strings_can_be_null=True)
    )
    evaluation = json.loads((folder / "run" / "evaluation.json").read_text(encoding="utf-8"))
    samples = sorted((folder / "run" / "samples").glob("*.png"))
    write_page(
        folder / "report.html",
        "demo.html",
        plotly=PLOTLY_SCRIPT,
        sheet=data_url(folder / "cast" / "contact-sheet.png"),
        grid=data_url(folder / "grid.png"),
        first=data_url(samples[0]),
        scores=_scores(evaluation["test"]["last"]),
        faces=evaluation["test"]["faces"],
        step=evaluation["test"]["last"]["step"],
        start=tomllib.loads((folder / "run" / "recipe.toml").read_text("utf-8")).get("start"),
        figure=_traces(truth, seen),
        video=video,
        person=person,
    )


def _scores(last: dict[str, Any]) -> list[tuple[str, str]]:
    def shown(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    lines = [
        line
        for name, head in HEADS.items()
        if name in last
        for line in HEAD_SCORES[head.kind].lines(head.short, last[name])
        if line[0] in SHOWN_SCORES
    ]
    lines += [
        ("real faces called real", last["real_called_real"]),
        ("generated faces called fake", last["fake_called_fake"]),
    ]
    return [(name, shown(value)) for name, value in lines]


def _column(table: pa.Table, name: str) -> Array:
    values = pc.fill_null(table[name].cast(pa.float64()), float("nan"))
    return np.asarray(values.to_numpy(), np.float64)


def _traces(truth: pa.Table, seen: pa.Table) -> str:
    """Draw truth and prediction over time, as HTML, for the face that was seen most often."""
    faces = seen.filter(pc.equal(seen["success"], 1))
    first = pc.mode(faces["face_id"])[0].as_py()["mode"]
    faces = faces.filter(pc.equal(faces["face_id"], first))
    titles = []
    drawn = []
    for title, true_name, name, scale in SHOWN:
        true_time, true = _column(truth, "time_s"), _column(truth, true_name) / scale
        time_s, said = _column(faces, "timestamp"), _column(faces, name)
        agreement = ccc(said, np.interp(time_s, true_time, true))
        titles.append(f"{title} (CCC {agreement:.2f})")
        drawn.append((true_time, true, time_s, said, scale == 1.0))
    figure = make_subplots(rows=3, cols=2, subplot_titles=titles, vertical_spacing=0.11)
    for i, (true_time, true, time_s, said, signed) in enumerate(drawn):
        place = {"row": i // 2 + 1, "col": i % 2 + 1}
        for x, y, name, colour in (
            (true_time, true, "truth", "#90a4ae"),
            (time_s, said, "discriminator", "#d81b60"),
        ):
            line = go.Scatter(
                x=x, y=np.round(y, 4), name=name, mode="lines", legendgroup=name,
                showlegend=i == 0, line={"color": colour, "width": 2},
            )  # fmt: skip
            figure.add_trace(line, **place)
        figure.update_yaxes(range=[-1, 1] if signed else [0, 1], **place)
    figure.update_layout(
        height=640, template="plotly_white", margin={"l": 40, "r": 20, "t": 40, "b": 30},
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.06},
    )  # fmt: skip
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    return html
