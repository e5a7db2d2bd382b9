"""The measures of bartissol-2017, on numbers worked by hand and on the counts that it prints."""

import math

import numpy as np
import pytest

from mien.metrics.challenge import CLASSES, UNITS, challenge_scores
from mien.metrics.continuous import TEN, course_scores, pooled_mse
from mien.metrics.detection import Counts, detection_scores
from mien.metrics.multilabel import multilabel_scores
from mien.metrics.ranking import roc_auc, thresholded_auc
from mien.metrics.thresholds import best_f1_threshold

NAN = float("nan")
VGG_11 = Counts(2315, 2185, 40_450, 4550)
INCEPTION_11 = Counts(2981, 1607, 41_028, 3884)
"""Its Table 6."""


@pytest.mark.parametrize(
    ("counts", "accuracy", "recall", "precision", "f1", "auc"),
    [
        (VGG_11, 0.863939, 0.337218, 0.514444, 0.407391, 0.642984),
        (INCEPTION_11, 0.889071, 0.434231, 0.649738, 0.520562, 0.698270),
    ],
)
def test_its_table_5_follows_from_the_counts_of_its_table_6(
    counts, accuracy, recall, precision, f1, auc
):
    assert counts.accuracy == pytest.approx(accuracy, abs=1e-6)
    assert counts.recall == pytest.approx(recall, abs=1e-6)
    assert counts.precision == pytest.approx(precision, abs=1e-5)
    assert counts.f1 == pytest.approx(f1, abs=1e-6)
    assert counts.auc_thresholded == pytest.approx(auc, abs=1e-6)


def test_its_table_3_is_of_the_counts_of_its_table_4_but_for_the_precision():
    found = Counts(1094, 1240, 373_967, 7699)
    assert found.tp + found.fp + found.tn + found.fn == 6400 * 60
    assert found.accuracy == pytest.approx(0.976716, abs=1e-5)
    assert found.recall == pytest.approx(0.124417, abs=1e-5)
    assert found.precision == pytest.approx(0.468723, abs=1e-6)  # printed: 0.468322
    nothing = Counts(0, 0, 375_209, 8791)
    assert nothing.accuracy == pytest.approx(0.977107, abs=1e-6)
    assert (nothing.recall, nothing.precision, nothing.f1, nothing.auc_thresholded) == (
        0,
        0,
        0,
        0.5,
    )


def test_units_together_by_hand():
    # Three faces, two units; the last face lacks a label of the second.
    probability = [[0.9, 0.2], [0.6, 0.7], [0.1, 0.8]]
    target = [[1, 0], [0, 1], [1, NAN]]
    found = multilabel_scores(probability, target)
    assert (found.true_positives, found.false_positives) == (2, 1)
    assert (found.true_negatives, found.false_negatives) == (1, 1)
    assert found.exact_match == pytest.approx(1 / 3)
    assert found.pooled_accuracy == pytest.approx(3 / 5)
    assert found.partial_accuracy == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert (found.recall, found.precision, found.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert found.specificity == 0.5
    assert found.auc_thresholded == pytest.approx((2 / 3 + 1 / 2) / 2)
    # Of probabilities: 0.9, 0.7, 0.1 with the unit; 0.6, 0.2 without: 4 of 6 pairs are in order.
    assert found.auc == pytest.approx(4 / 6)
    nothing = multilabel_scores([[0.5]], [[NAN]])
    assert math.isnan(nothing.exact_match)
    assert math.isnan(nothing.pooled_accuracy)


def test_area_under_the_curve_by_hand():
    assert roc_auc([0.9, 0.8, 0.3], [1, 1, 0]) == 1
    assert roc_auc([0.3, 0.8], [1, 0]) == 0
    assert roc_auc([0.5, 0.5, 0.5], [1, 0, 0]) == 0.5  # ties are half
    assert roc_auc([0.2, 0.6, 0.6, 0.9], [0, 1, 0, 1]) == pytest.approx(3.5 / 4)
    assert roc_auc([0.2, NAN, 0.9, 0.1], [0, 1, 1, -1]) == 1
    assert math.isnan(roc_auc([0.2, 0.3], [1, 1]))
    assert thresholded_auc(0.5, 0.9) == pytest.approx(0.7)


def test_a_unit_has_counts_and_both_areas():
    found = detection_scores([0.9, 0.2, 0.5, 0.1, 0.9], [1, 1, 0, 0, -1])
    assert (found.true_positives, found.false_positives) == (1, 1)
    assert (found.true_negatives, found.false_negatives) == (1, 1)
    assert found.auc == pytest.approx(3 / 4)
    assert found.auc_thresholded == 0.5


def test_999_read_as_absent_gives_high_accuracy_and_worthless_f1():
    """bartissol-2017, sections 4.1.2 and 4.2: 11 of 60 units annotated, the others undefined."""
    source = np.random.default_rng(0)
    truth = np.full((200, 60), NAN)
    truth[:, :11] = source.random((200, 11)) < 8791 / 6400 / 11
    silent = np.zeros((200, 60))
    as_absent = multilabel_scores(silent, np.nan_to_num(truth))
    assert as_absent.pooled_accuracy > 0.97  # its 0.977 of a network that found nothing
    assert as_absent.partial_accuracy > 0.97
    assert (as_absent.f1, as_absent.recall, as_absent.auc_thresholded) == (0, 0, 0.5)
    honest = multilabel_scores(silent, truth)
    assert honest.pooled_accuracy < 0.9
    assert honest.f1 == 0


def test_errors_on_ten_are_of_both_axes_and_not_halved():
    predicted, labels = [[0.5, 0.0], [0.0, 0.2]], [[0.1, 0.0], [0.0, NAN]]
    assert pooled_mse(predicted, labels) == pytest.approx(0.16 / 3)
    assert pooled_mse(predicted, labels, TEN) == pytest.approx(16 / 3)
    assert math.sqrt(15.655972) == pytest.approx(3.9567628, abs=1e-6)  # its eq. 22 and 23
    assert math.sqrt(13.749833) == pytest.approx(3.7080767, abs=1e-6)  # its eq. 24 and 25


def test_a_course_has_minimum_mean_and_deviation():
    found = course_scores([0.9, NAN, 0.3, 0.6])
    assert (found.minimum, found.mean) == pytest.approx((0.3, 0.6))
    assert found.std == pytest.approx(math.sqrt(0.06))
    assert math.isnan(course_scores([]).minimum)


@pytest.mark.parametrize(
    ("probability", "target", "threshold"),
    [
        ([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0], 0.55),
        ([0.4, 0.3, 0.2, 0.1], [1, 1, 0, 0], 0.25),
        ([0.9, 0.5], [0, 0], 0.5),  # nothing to find
        ([0.6, 0.4], [0, 1], 0.2),  # all present is best: 2/3
        ([0.9, NAN, 0.1], [1, 1, -1], 0.45),
    ],
)
def test_the_threshold_with_the_best_f1(probability, target, threshold):
    assert best_f1_threshold(probability, target) == pytest.approx(threshold)


def test_the_threshold_is_the_best_of_all_by_force():
    source = np.random.default_rng(1)
    truth = (source.random(200) < 0.3).astype(float)
    p = np.round(np.clip(truth * 0.3 + source.random(200) * 0.7, 0, 1), 2)
    found = best_f1_threshold(p, truth)
    best = max(detection_scores(p, truth, t).f1 for t in np.linspace(0, 1, 1001))
    assert detection_scores(p, truth, found).f1 == pytest.approx(best)


def test_the_challenges_measures_by_hand():
    scores = {
        "valence_arousal": {"outputs": {"valence": {"ccc": 0.4}, "arousal": {"ccc": 0.2}}},
        "expression": {"f1": dict.fromkeys(CLASSES, 0.5) | {"contempt": 0.0}},
        "au": {"outputs": {unit: {"f1": 0.25} for unit in UNITS} | {"AU05": {"f1": 1.0}}},
    }
    found = challenge_scores(scores)
    assert (found["VA"], found["EXPR"], found["AU"]) == pytest.approx((0.3, 0.5, 0.25))
    assert found["P"] == pytest.approx(1.05)
    assert (found["classes"], found["units"]) == (8, 12)
    assert math.isnan(challenge_scores({})["P"])
