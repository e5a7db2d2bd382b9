"""Scores of every kind of head, all heads together, and the measures that tables name."""

import math

import numpy as np
import pytest

from mien.labels.arrays import Labels, Predictions
from mien.labels.heads import HEADS, Head
from mien.labels.kinds import KINDS
from mien.metrics.affect import affect_scores, flat_scores, headline, mean_known
from mien.metrics.heads import HEAD_SCORES, weighted_f1
from mien.metrics.measures import (
    OF_CHECKPOINTS,
    OF_RUNS,
    Better,
    Measure,
    measure,
    of_checkpoint,
    unit_f1,
)

NAN = np.nan


def array(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_there_are_scores_for_every_kind():
    assert HEAD_SCORES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", ["regression", "ordinal"])
def test_continuous_outputs_by_hand(kind):
    """The first output is that of test_continuous: CCC 8/13; the second has one label."""
    predicted = array([1, 0], [2, 0], [3, 0], [9, 0])
    truth = array([2, 1], [2.5, NAN], [3, NAN], [NAN, NAN])
    found = HEAD_SCORES[kind].scores(predicted, truth, ("a", "b"))
    a, b = found["outputs"]["a"], found["outputs"]["b"]
    assert a["ccc"] == pytest.approx(8 / 13)
    assert a["mse"] == pytest.approx(1.25 / 3)
    assert a["rmse"] == pytest.approx(math.sqrt(1.25 / 3))
    assert (a["labelled"], b["labelled"]) == (3, 1)
    assert math.isnan(b["ccc"])
    assert b["mse"] == 1
    assert found["mean_ccc"] == HEAD_SCORES[kind].headline(found) == pytest.approx(8 / 13)
    assert HEAD_SCORES[kind].flat(found)["ccc/a"] == a["ccc"]
    assert [name for name, _ in HEAD_SCORES[kind].lines("", found)] == [
        "a CCC", "a MSE", "a RMSE", "b CCC", "b MSE", "b RMSE",
    ]  # fmt: skip


def test_presence_by_hand():
    """a: hit, miss, false alarm (F1 1/2, accuracy 1/3); b: two hits (F1 1); c: unlabelled."""
    predicted = array([0.9, 0.9, 0.9], [0.1, 0.5, 0.9], [0.9, NAN, 0.9])
    truth = array([1, 1, NAN], [1, 1, NAN], [0, 1, NAN])
    found = HEAD_SCORES["binary"].scores(predicted, truth, ("a", "b", "c"))
    assert found["outputs"]["a"]["f1"] == 0.5
    assert found["outputs"]["a"]["accuracy"] == pytest.approx(1 / 3)
    assert (found["outputs"]["b"]["f1"], found["outputs"]["b"]["labelled"]) == (1, 2)
    assert math.isnan(found["outputs"]["c"]["f1"])
    assert found["mean_f1"] == HEAD_SCORES["binary"].headline(found) == 0.75
    assert found["mean_accuracy"] == pytest.approx(2 / 3)
    assert found["mean"] == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert found["weighted_f1"] == pytest.approx((2 * 0.5 + 2 * 1) / 4)
    flat = HEAD_SCORES["binary"].flat(found)
    assert (flat["mean_f1"], flat["f1/a"]) == (0.75, 0.5)
    assert HEAD_SCORES["binary"].lines("AU", found)[0] == ("a F1", 0.5)


def test_units_weigh_by_how_often_they_are_present():
    rows = [{"f1": 0.5, "positives": 3}, {"f1": 1.0, "positives": 1}, {"f1": NAN, "positives": 0}]
    assert weighted_f1(rows) == pytest.approx(0.625)
    assert math.isnan(weighted_f1(rows[2:]))


def test_classes_by_hand():
    predicted = array([0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [NAN, NAN])
    truth = array([1, 0], [1, 0], [0, 1], [1, 0])
    found = HEAD_SCORES["exclusive"].scores(predicted, truth, ("a", "b"))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["confusion"] == [[1, 1], [0, 1]]
    assert found["f1"] == pytest.approx({"a": 2 / 3, "b": 2 / 3})
    assert found["macro_f1"] == HEAD_SCORES["exclusive"].headline(found) == pytest.approx(2 / 3)
    wanted = -(math.log(0.8) + math.log(0.4) + math.log(0.7)) / 3
    assert found["cross_entropy"] == pytest.approx(wanted, rel=1e-6)
    assert (found["labelled"], found["labels"]) == (4, ["a", "b"])
    assert HEAD_SCORES["exclusive"].flat(found) == {
        "accuracy": found["accuracy"],
        "macro_f1": found["macro_f1"],
    }


def test_votes_count_as_their_largest_and_by_their_shares():
    predicted, truth = array([0.5, 0.5], [0.2, 0.8]), array([0.25, 0.75], [NAN, NAN])
    found = HEAD_SCORES["votes"].scores(predicted, truth, ("a", "b"))
    assert found["confusion"] == [[0, 0], [1, 0]]  # b by its votes; of equals, the first
    assert found["cross_entropy"] == pytest.approx(math.log(2), rel=1e-6)
    assert found["labelled"] == 1


OUTPUTS = {name: head.outputs or ("neutral", "happiness") for name, head in HEADS.items()}


@pytest.mark.parametrize("name", sorted(HEADS))
def test_a_head_without_labels_scores_nan(name):
    head = Head(name, OUTPUTS[name])
    predicted = np.full((3, len(head.outputs)), 0.5, np.float32)
    scores = affect_scores(Predictions((head,), {name: predicted}, 3), Labels((), {}, 3))
    assert math.isnan(headline(scores))
    assert all(math.isnan(value) for value in flat_scores(scores).values())


def some_scores() -> dict:
    heads = (
        Head("valence_arousal", ("valence", "arousal")),
        Head("au", ("AU12", "AU25")),
        Head("expression", ("neutral", "happiness")),
    )
    predictions = Predictions(
        heads,
        {
            "valence_arousal": array([0.1, NAN], [0.9, NAN]),
            "au": array([0.9, NAN], [0.1, NAN]),
            "expression": array([0.8, 0.2], [0.6, 0.4]),
        },
        2,
    )
    labels = Labels(
        (heads[0], Head("au", ("AU12",)), Head("expression", ("happiness", "neutral"))),
        {
            "valence_arousal": array([0.1, 0.3], [0.9, 0.4]),
            "au": array([1], [0]),
            "expression": array([0, 1], [1, 0]),
        },
        2,
    )
    return affect_scores(predictions, labels)


def test_all_heads_together_and_the_headline():
    scores = some_scores()
    affect, units = scores["valence_arousal"]["outputs"], scores["au"]["outputs"]
    assert affect["valence"]["ccc"] == pytest.approx(1)
    assert math.isnan(affect["arousal"]["ccc"])
    assert affect["arousal"]["labelled"] == 2
    assert units["AU12"]["f1"] == 1
    assert math.isnan(units["AU25"]["f1"])
    assert scores["au"]["mean_f1"] == 1
    assert scores["expression"]["confusion"] == [[1, 0], [1, 0]]  # in the predictions' order
    assert scores["expression"]["macro_f1"] == pytest.approx(1 / 3)
    assert headline(scores) == pytest.approx((1 + 1 + 1 / 3) / 3)
    flat = flat_scores(scores)
    assert flat["valence_arousal/ccc/valence"] == pytest.approx(1)
    assert (flat["au/mean_f1"], flat["expression/accuracy"]) == (1, 0.5)


def test_a_mean_leaves_nan_out():
    assert mean_known([1.0, NAN, 3.0]) == 2
    assert math.isnan(mean_known([NAN]))
    assert math.isnan(mean_known([]))


# -- measures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "best"),
    [(Better.HIGHER, 1.6), (Better.LOWER, -2.0), (Better.NEAREST_ONE, 0.7)],
)
def test_the_best_of_values_is_in_the_measures_direction(better, best):
    found = Measure("m", better)
    assert found.best([-2.0, 0.7, 1.6]) == best
    assert math.isnan(found.best([]))


def test_of_what_has_no_direction_none_is_best():
    assert math.isnan(Measure("m", Better.NEITHER).best([1.0]))


def test_errors_and_losses_are_better_low_and_scores_high():
    by_name = {m.name: m.better for m in (*OF_CHECKPOINTS, *OF_RUNS)}
    low = {"MSE valence", "MSE arousal", "training 1-CCC", "testing 1-CCC", "duplicates"}
    low |= {"MSE on ten", "RMSE on ten", "false positives", "false negatives"}
    assert {name for name, better in by_name.items() if better is Better.LOWER} == low
    assert by_name["diversity"] is Better.NEAREST_ONE
    assert {name for name, better in by_name.items() if better is Better.NEITHER} == {
        "generator loss",
        "discriminator loss",
    }


def test_measures_read_the_scores_of_a_checkpoint():
    found = of_checkpoint({**some_scores(), "real_called_real": 0.75, "fake_called_fake": NAN})
    assert found["CCC valence"] == pytest.approx(1)
    assert found["MSE valence"] == 0
    assert found["mean F1"] == found["F1 AU 12"] == found["weighted F1"] == 1
    assert found["expression accuracy"] == 0.5
    assert found["real called real"] == 0.75
    assert math.isnan(found["CCC arousal"])
    assert math.isnan(found["F1 AU 25"])
    assert math.isnan(of_checkpoint({})["mean F1"])


def test_measures_are_found_by_name():
    assert measure("F1 AU 1").name == unit_f1("AU01").name == "F1 AU 1"
    assert measure("F1 AU 1").read({"au": {"outputs": {"AU01": {"f1": 0.5}}}}) == 0.5
    assert measure("MSE valence").better is Better.LOWER
    with pytest.raises(KeyError):
        measure("beauty")
