import math

import pytest

from mien.metrics.classification import classification_scores
from mien.metrics.detection import detection_scores


def test_detection_by_hand():
    # Labelled: hit, miss, false alarm, correct absence; the last is unlabelled.
    scores = detection_scores([0.9, 0.2, 0.5, 0.1, 0.9], [1, 1, 0, 0, -1])
    assert (scores.precision, scores.recall, scores.f1, scores.accuracy) == (0.5, 0.5, 0.5, 0.5)
    assert (scores.positives, scores.labelled) == (2, 4)


def test_detection_without_labels_is_nan_and_without_hits_zero():
    assert all(math.isnan(v) for v in list(detection_scores([0.5], [-1]).as_dict().values())[:4])
    nothing_found = detection_scores([0.1, 0.1], [1, 0])
    assert (nothing_found.precision, nothing_found.f1, nothing_found.accuracy) == (0, 0, 0.5)
    nothing_there = detection_scores([0.1, 0.1], [0, 0])
    assert math.isnan(nothing_there.f1)
    assert nothing_there.accuracy == 1


def test_classification_by_hand():
    scores = classification_scores([0, 0, 1, 2, 1], [0, 1, 1, -1, 0], classes=3)
    assert scores.confusion.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert scores.accuracy == 0.5
    assert scores.macro_f1 == 0.5  # the class that no label has is left out
    assert scores.weighted_f1 == 0.5
    assert math.isnan(scores.f1[2])


def test_weighted_f1_weighs_by_labels():
    scores = classification_scores([0, 0, 0, 0], [0, 0, 0, 1], classes=2)
    assert scores.f1.tolist() == pytest.approx([6 / 7, 0])
    assert scores.weighted_f1 == pytest.approx(0.75 * 6 / 7)
    assert scores.macro_f1 == pytest.approx(3 / 7)


def test_no_labels_give_nan():
    scores = classification_scores([0, 1], [-1, -1], classes=2)
    assert math.isnan(scores.accuracy)
    assert scores.confusion.sum() == 0
