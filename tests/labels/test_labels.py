import numpy as np
import pytest

from mien.labels import action_units, expressions
from mien.labels.arrays import LabelArrays


@pytest.mark.parametrize(
    ("text", "unit"),
    [("AU12", 12), ("au_01", 1), ("AU 4", 4), ("AU99", None), ("AU12_r", None), ("x", None)],
)
def test_unit_names_are_read_leniently_and_unknown_ones_are_not(text: str, unit: int | None):
    assert action_units.parse(text) == unit


def test_document_units_are_the_eight_of_the_seeds():
    assert action_units.DOCUMENT_AUS == (1, 2, 4, 6, 12, 15, 20, 25)
    assert action_units.column(1) == "AU01"


def test_expressions_have_one_canonical_order():
    assert expressions.parse(" Happy ") == "happiness"
    assert expressions.parse("joyous") is None
    assert expressions.merged({"surprise", "neutral"}, ["anger"]) == (
        "neutral",
        "anger",
        "surprise",
    )


def some_labels() -> LabelArrays:
    return LabelArrays(
        aus=(1, 12),
        expressions=("neutral", "happiness"),
        valence_arousal=np.array([[0.5, np.nan], [np.nan, np.nan]], np.float32),
        au=np.array([[1, 0], [-1, 1]], np.int8),
        expression=np.array([1, -1], np.int8),
        au_intensity=np.array([[5, 0], [np.nan, 2]], np.float32),
    )


def test_aligning_reorders_units_and_marks_the_unknown_missing():
    other = some_labels().aligned((12, 4), ("happiness", "anger"))
    assert other.au.tolist() == [[0, -1], [1, -1]]
    assert other.expression.tolist() == [0, -1]
    assert other.au_intensity[1, 0] == 2
    assert np.isnan(other.au_intensity[:, 1]).all()


def test_an_expression_the_other_list_lacks_is_unlabelled():
    assert some_labels().aligned((), ("anger",)).expression.tolist() == [-1, -1]


def test_rows_can_be_picked():
    assert some_labels()[np.array([1])].au.tolist() == [[-1, 1]]
