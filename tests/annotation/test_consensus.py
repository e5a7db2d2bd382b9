"""What several annotators' labels become, on hand-made frames and on simulated raters."""

import numpy as np
import pytest
from made_projects import Rated, make_rated

import mien
from mien.annotation.consensus import (
    expression_consensus,
    intensity_consensus,
    trace_consensus,
    unit_consensus,
)
from mien.annotation.lags import found_lags
from mien.annotation.panel import read_panel
from mien.errors import InputError
from mien.store import Store

NAN = float("nan")
LATE = 0.8


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Rated:
    """Four videos of 15 s, eight raters of whom four are late by 0.8 s and more; imported."""
    made = make_rated(tmp_path_factory.mktemp("rated"), 4, 15.0, 8, 0)
    mien.import_annotation(made.project.folder, made.written, format="csv")
    return made


def test_units():
    ratings = np.array([[1, 1, 0, 1, NAN, 1], [1, 0, 0, NAN, NAN, 1], [1, 1, 0, 1, NAN, 0]])
    unanimous = unit_consensus(ratings, "unanimous")
    np.testing.assert_array_equal(unanimous, [1, NAN, 0, 1, NAN, NAN])
    absent = unit_consensus(ratings, "unanimous", "absent")
    np.testing.assert_array_equal(absent, [1, 0, 0, 1, NAN, 0])
    np.testing.assert_array_equal(unit_consensus(ratings, "majority"), [1, 1, 0, 1, NAN, 1])
    tie = np.array([[1.0, 0], [0, 0]])
    np.testing.assert_array_equal(unit_consensus(tie, "majority"), [NAN, 0])
    np.testing.assert_array_equal(unit_consensus(tie, "majority", "absent"), [0, 0])
    with pytest.raises(InputError, match="did you mean 'majority'"):
        unit_consensus(ratings, "majorty")


def test_dawid_skene_trusts_who_is_right():
    source = np.random.default_rng(0)
    truth = (source.random(2000) < 0.3).astype(float)
    sure = np.where(source.random((2, 2000)) < 0.05, 1 - truth, truth)
    guess = (source.random((3, 2000)) < 0.5).astype(float)
    ratings = np.concatenate([sure, guess])
    by_model = (unit_consensus(ratings, "dawid-skene") == truth).mean()
    by_majority = (unit_consensus(ratings, "majority") == truth).mean()
    assert by_model > 0.93 > 0.85 > by_majority


def test_expressions():
    ratings = np.array([[0, 1, -1, 2, -1], [0, 1, -1, 0, -2], [0, 2, 1, 1, -2]])
    np.testing.assert_array_equal(
        expression_consensus(ratings, "unanimous", 3), [0, -1, -1, -1, -1]
    )
    np.testing.assert_array_equal(expression_consensus(ratings, "majority", 3), [0, 1, 1, -1, -1])
    alone = np.array([[0, -1], [-2, -2]])
    np.testing.assert_array_equal(expression_consensus(alone, "unanimous", 2), [0, -1])
    assert expression_consensus(ratings, "dawid-skene", 3)[0] == 0


def test_intensities_and_traces():
    levels = np.array([[2, NAN, 0, 4], [4, NAN, 0, 0.0]])
    found = intensity_consensus(levels, np.array([1, 1, 0, 1.0]))
    np.testing.assert_array_equal(found, [3, NAN, 0, 4])
    traces = np.array([[0.0, 1, NAN, 0.2], [0.2, NAN, NAN, 0.4], [0.7, 0.5, NAN, 0.9]])
    np.testing.assert_allclose(trace_consensus(traces, "mean"), [0.3, 0.75, NAN, 0.5])
    np.testing.assert_allclose(trace_consensus(traces, "median"), [0.2, 0.75, NAN, 0.4])


def test_weights_silence_who_agrees_with_nobody():
    good = np.sin(np.linspace(0, 9, 300))
    traces = np.stack([good, 0.9 * good + 0.02, -good])
    weighted = trace_consensus(traces, "evaluator-weighted")
    assert np.abs(weighted - good).max() < 0.1
    assert np.abs(trace_consensus(traces, "mean") - good).max() > 0.5


def test_lags_are_found_from_marks_to_a_quarter_second(rated):
    found = found_lags(read_panel(rated.project))
    assert {how for _, how in found.values()} == {"marks"}
    for rater in rated.raters:
        assert found[f"r{rater.number:02d}"][0] == pytest.approx(rater.lag_s, abs=0.25)


def test_lag_compensation_halves_the_error_of_late_raters(rated):
    """Pooled over raters of 0.8 s and more; their traces one by one, and their mean."""
    late = [f"r{r.number:02d}" for r in rated.raters if r.lag_s >= LATE]
    assert len(late) >= 3
    panel = read_panel(rated.project, tuple(late))
    lags = {name: lag for name, (lag, _) in found_lags(panel).items()}
    known = rated.store.labels(["truth"])
    truth = np.stack([known.column("valence_arousal", d) for d in ("valence", "arousal")], 1)

    def pooled(affect: np.ndarray) -> float:
        return float(np.sqrt(np.nanmean((affect - truth) ** 2)))

    assert pooled(panel.shifted(lags).affect) < 0.5 * pooled(panel.affect)
    report = mien.consensus(
        rated.project.folder, annotators=late, va="lag-compensated", truth="truth", layer="late"
    )
    for rules in report["errors"]["affect"].values():
        assert rules["lag-compensated"]["rmse"] < 0.5 * rules["mean"]["rmse"]
    assert report["written"]["shifted_s"] == pytest.approx(lags)


def test_the_report_compares_every_rule_with_the_truth(rated, tmp_path):
    page = tmp_path / "agreement.html"
    report = mien.consensus(rated.project.folder, truth="truth", report=page)
    errors = report["errors"]
    assert set(errors["affect"]["valence"]) == {
        "mean", "median", "evaluator-weighted", "lag-compensated",
    }  # fmt: skip
    by_unit = errors["units"]["AU12"]
    assert by_unit["unanimous"]["labelled"] < by_unit["majority"]["labelled"] <= 1
    assert by_unit["majority"]["f1"] > 0.9
    assert errors["expression"]["majority"]["accuracy"] > 0.9
    lost = report["unanimity"]
    assert 0 < lost["AU12"]["lost"] < 1
    assert lost["AU12"]["unanimous"] <= lost["AU12"]["majority"] <= lost["AU12"]["marked"]
    pair = report["affect"]["valence"]["pairs"]["r00 and r01"]
    assert -1 <= pair["signed_differential"] <= 1
    assert pair["pearson"] >= pair["ccc"]
    text = page.read_text("utf-8")
    assert "AU12" in text
    assert "lag-compensated" in text


def test_layers(rated):
    mien.consensus(rated.project.folder, layer="agreed", disputed="absent", au="majority")
    store = Store.open(rated.store.folder)
    assert store.layers[0] == "agreed"
    assert {"r00", "r07", "truth"} <= set(store.layers)
    first = store.layer("r01")
    assert first.num_rows == len(store)
    assert {"AU12", "expression", "valence", "arousal"} <= set(first.column_names)
    labels = store.labels(["agreed"])
    assert not np.isnan(labels.column("au", "AU12")).any()  # none is disputed
    mien.consensus(rated.project.folder, layer="agreed", disputed="dropped")
    labels = Store.open(rated.store.folder).labels(["agreed"])
    assert np.isnan(labels.column("au", "AU12")).any()  # what was said before is gone


def test_the_command_line(cli, rated):
    done = cli("consensus", rated.project.folder, "--truth", "truth")
    assert done.code == 0, done.err
    assert "What unanimity throws away" in done.out
    done = cli("consensus", rated.project.folder, "--va", "lag-compensatd")
    assert done.code == 2
    assert "did you mean 'lag-compensated'" in done.err
    done = cli("consensus", rated.project.folder, "--annotators", "nobody")
    assert done.code == 2
