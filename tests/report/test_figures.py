import numpy as np
import pytest

from mien.analysis.table import BOX_COLUMNS, FRAME_COLUMNS, header
from mien.labels.heads import Head
from mien.labels.table_columns import AffectColumns, span, unit_title
from mien.report.figures import affect_figure
from mien.report.traces import Trace, turning_points

HEADS = (
    Head("valence_arousal", ("valence", "arousal")),
    Head("au", ("AU01", "AU12")),
    Head("au_intensity", ("AU06", "AU12")),
    Head("expression", ("neutral", "own class")),
)


def test_columns_are_told_from_their_names():
    assert AffectColumns.of(header(HEADS)) == AffectColumns(
        ("valence", "arousal"),
        ("AU01_p", "AU12_p"),
        ("AU06_r", "AU12_r"),
        ("neutral", "own class"),
    )
    assert AffectColumns.of(header([])) == AffectColumns()
    assert AffectColumns.of([*FRAME_COLUMNS, *BOX_COLUMNS, "map_p", "AU99_r"]) == AffectColumns()


def test_votes_look_like_an_expression():
    names = header([Head("expression_votes", ("anger", "fear"))])
    assert AffectColumns.of(names) == AffectColumns(classes=("anger", "fear"))


def test_titles_and_scales():
    assert unit_title("AU04_r") == unit_title("AU04_p") == "AU4 brow lowerer"
    assert unit_title("anger") is None
    names = ("valence", "arousal", "AU12_p", "AU12_r", "anger")
    assert [span(name) for name in names] == [2, 2, 1, 5, 1]


def test_turns_of_intensities_are_measured_on_their_scale():
    time_s = np.arange(300) / 30
    bump = np.exp(-(((time_s - 3) / 0.5) ** 2))
    trace = Trace(time_s, {"AU12_r": 0.4 * bump, "AU12_p": 0.4 * bump})
    assert [p.signal for p in turning_points(trace, ["AU12_r", "AU12_p"])] == ["AU12_p"]
    trace = Trace(time_s, {"AU12_r": 2.5 * bump})
    (point,) = turning_points(trace, ["AU12_r"])
    assert point.prominence == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("names", "panels"),
    [
        (["valence", "arousal"], ["valence and arousal"]),
        (["AU12_p"], ["Action Units: probability"]),
        (["AU12_r"], ["Action Units: intensity, 0 to 5"]),
        (["expression", "mine", "yours"], ["expressions: probability"]),
        (["arousal", "AU12_r"], ["valence and arousal", "Action Units: intensity, 0 to 5"]),
    ],
)
def test_a_panel_for_each_form(names, panels):
    columns = AffectColumns.of(names)
    values = np.linspace(0, 1, 50)
    html = affect_figure(Trace(values, dict.fromkeys(columns.signals, values)), columns, points=[])
    titles = [
        title
        for title in (
            "valence and arousal",
            "Action Units: probability",
            "Action Units: intensity, 0 to 5",
            "expressions: probability",
        )
        if title in html
    ]
    assert titles == panels
    nothing = dict.fromkeys(columns.signals, np.full(50, np.nan))
    assert affect_figure(Trace(values, nothing), columns, points=[]) == ""
