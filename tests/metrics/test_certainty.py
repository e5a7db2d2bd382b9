"""Calibration, sums by group, intervals and paired tests."""

import math

import numpy as np
import pytest

from mien.labels.heads import Head
from mien.metrics.calibration import reliability
from mien.metrics.heads import HEAD_SCORES
from mien.metrics.resampling import differences, intervals
from mien.metrics.sums import SUMS

NAN = float("nan")


def made(kind: str, faces: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and labels of three outputs, with gaps in both."""
    source = np.random.default_rng(seed)
    if kind in ("exclusive", "votes"):
        truth = np.eye(3)[source.integers(0, 3, faces)]
        said = source.dirichlet([1, 1, 1], faces) + truth
        said /= said.sum(1, keepdims=True)
        said[:2], truth[2:4] = NAN, NAN
        return said.astype(np.float32), truth.astype(np.float32)
    truth = source.random((faces, 3))
    said = truth + source.normal(0, 0.3, (faces, 3))
    if kind == "binary":
        said, truth = np.clip(said, 0, 1), np.round(truth)
    said[source.random((faces, 3)) < 0.1] = NAN
    truth[source.random((faces, 3)) < 0.1] = NAN
    return said.astype(np.float32), truth.astype(np.float32)


@pytest.mark.parametrize("kind", SUMS)
def test_scores_of_sums_are_the_scores(kind):
    said, truth = made(kind)
    outputs = ("a", "b", "c")
    group = np.random.default_rng(3).integers(0, 5, len(said))
    sums = SUMS[kind].sums(said, truth, group, 5)
    found = {k: float(v) for k, v in SUMS[kind].scores(sums.sum(0), outputs).items()}
    expected = HEAD_SCORES[kind].scores(said, truth, outputs)
    if kind in ("exclusive", "votes"):
        assert found["accuracy"] == pytest.approx(expected["accuracy"])
        assert found["macro F1"] == pytest.approx(expected["macro_f1"])
        assert found["weighted F1"] == pytest.approx(expected["weighted_f1"])
        assert found["b F1"] == pytest.approx(expected["f1"]["b"])
    elif kind == "binary":
        assert found["mean F1"] == pytest.approx(expected["mean_f1"])
        assert found["weighted F1"] == pytest.approx(expected["weighted_f1"])
        assert found["mean accuracy"] == pytest.approx(expected["mean_accuracy"])
        assert found["F1, pooled"] == pytest.approx(expected["pooled"]["f1"])
        assert found["all right in a face"] == pytest.approx(expected["pooled"]["exact_match"])
    else:
        assert found["mean CCC"] == pytest.approx(expected["mean_ccc"])
        assert found["c MSE"] == pytest.approx(expected["outputs"]["c"]["mse"])
    one = SUMS[kind].scores(sums[2], outputs)
    alone = HEAD_SCORES[kind].scores(said[group == 2], truth[group == 2], outputs)
    name = {"binary": ("mean F1", "mean_f1"), "regression": ("mean CCC", "mean_ccc")}.get(kind)
    if name:
        assert float(one[name[0]]) == pytest.approx(alone[name[1]])


def test_nothing_labelled_has_no_score():
    nothing = np.full((4, 2), NAN, np.float32)
    for kind in SUMS:
        sums = SUMS[kind].sums(nothing, nothing, np.zeros(4, int), 1)
        found = SUMS[kind].scores(sums.sum(0), ("a", "b"))
        assert all(np.isnan(value) for value in found.values()), kind


def test_an_interval_covers_what_it_says_and_is_wider_over_people_than_over_faces():
    """Ten people, each right or wrong in all of their 20 faces: ten answers, not two hundred."""
    right = np.repeat([1, 1, 1, 1, 1, 1, 0, 0, 0, 0], 20).astype(np.float32)[:, None]
    truth = np.ones((200, 1), np.float32)
    kind = SUMS["binary"]
    scores = lambda sums: {"accuracy": kind.scores(sums, ("AU12",))["mean accuracy"]}  # noqa: E731
    people = intervals(kind.sums(right, truth, np.repeat(np.arange(10), 20), 10), scores)
    faces = intervals(kind.sums(right, truth, np.arange(200), 200), scores)
    assert people["accuracy"].value == faces["accuracy"].value == pytest.approx(0.6)
    # Binomial, ten draws with p = 0.6: the 2.5 and 97.5 percentiles are 3 and 9.
    assert (people["accuracy"].low, people["accuracy"].high) == pytest.approx((0.3, 0.9))
    assert faces["accuracy"].low == pytest.approx(0.53, abs=0.02)
    for groups in (1, 3):  # alone, or beside people of whom nothing is known
        sums = kind.sums(right, truth, np.zeros(200, int), groups)
        assert math.isnan(intervals(sums, scores)["accuracy"].low)


def test_a_paired_test_finds_a_difference_and_none_where_there_is_none():
    source = np.random.default_rng(0)
    truth = (source.random((400, 1)) < 0.5).astype(np.float32)
    group = np.repeat(np.arange(40), 10)
    good = np.where(source.random((400, 1)) < 0.9, truth, 1 - truth).astype(np.float32)
    poor = np.where(source.random((400, 1)) < 0.7, truth, 1 - truth).astype(np.float32)
    other = np.where(source.random((400, 1)) < 0.9, truth, 1 - truth).astype(np.float32)
    kind = SUMS["binary"]
    sums = [kind.sums(values, truth, group, 40) for values in (good, poor, other)]
    scores = lambda s: kind.scores(s, ("AU12",))  # noqa: E731
    apart = differences(sums[0], sums[1], scores)["mean accuracy"]
    assert apart.difference == pytest.approx(apart.first - apart.second)
    assert apart.p < 0.01
    assert apart.low > 0
    alike = differences(sums[0], sums[2], scores)["mean accuracy"]
    assert alike.p > 0.05
    assert alike.low < 0 < alike.high
    same = differences(sums[0], sums[0], scores)["mean accuracy"]
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_the_paired_test_is_right_about_chance():
    """Of recognisers that are alike, few have a small p: about one in five is below 0.2."""
    kind = SUMS["binary"]
    small = 0
    for seed in range(60):
        source = np.random.default_rng(seed)
        truth = (source.random((100, 1)) < 0.5).astype(np.float32)
        group = np.repeat(np.arange(20), 5)
        both = [
            kind.sums(np.where(source.random((100, 1)) < 0.8, truth, 1 - truth), truth, group, 20)
            for _ in range(2)
        ]
        told = differences(*both, lambda s: kind.scores(s, ("AU12",)), repeats=200, seed=seed)
        small += told["mean accuracy"].p < 0.2
    assert 3 <= small <= 22


def test_reliability_by_hand():
    found = reliability([0.05, 0.05, 0.95, 0.95, NAN], [0, 1, 1, 1, 1], bins=10)
    assert found.faces.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (found.said[0], found.came_true[0]) == pytest.approx((0.05, 0.5))
    assert np.isnan(found.said[5])
    assert found.expected_error == pytest.approx((0.45 + 0.05) / 2)
    assert found.largest_error == pytest.approx(0.45)
    assert found.brier == pytest.approx((0.05**2 + 0.95**2 + 2 * 0.05**2) / 4)
    assert math.isnan(reliability([], []).expected_error)
    assert reliability([1.0], [1]).faces[-1] == 1


def test_every_kind_of_head_has_sums():
    assert set(SUMS) == set(HEAD_SCORES)
    assert Head("au", ("AU12",)).type.kind in SUMS
