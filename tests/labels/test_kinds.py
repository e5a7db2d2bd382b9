"""What each kind of head makes of labels and of raw outputs, by hand."""

import numpy as np
import pytest

from mien.labels.heads import HEADS
from mien.labels.kinds import KINDS, likeliest, plain, sigmoid

NAN = np.nan


def array(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def same(found: np.ndarray, wanted: list[list[float]]) -> bool:
    assert found.dtype == np.float32
    assert found.shape == np.shape(wanted)
    return np.allclose(found, wanted, atol=1e-6, equal_nan=True)


def test_every_head_is_of_a_kind():
    assert {head.kind for head in HEADS.values()} == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "classes", "counted", "width"),
    [
        ("regression", False, False, 2),
        ("binary", False, True, 2),
        ("ordinal", False, False, 10),
        ("exclusive", True, True, 2),
        ("votes", True, True, 2),
    ],
)
def test_classes_counts_and_widths(kind, classes, counted, width):
    found = KINDS[kind]
    assert (found.classes, found.counted, found.width(("a", "b"))) == (classes, counted, width)


LN3 = float(np.log(3))
ABOVE = [LN3, LN3, 0, -LN3, -LN3]  # of being above 0, 1, 2, 3, 4: 3/4, 3/4, 1/2, 1/4, 1/4


@pytest.mark.parametrize(
    ("kind", "raw", "wanted"),
    [
        ("regression", [-1.5, 0.25], [-1.5, 0.25]),
        ("binary", [0, LN3], [0.5, 0.75]),
        ("binary", [-1000, 1000], [0, 1]),
        ("ordinal", [*ABOVE, *[100] * 5, *[-100] * 5], [2.5, 5, 0]),
        ("exclusive", [0, LN3], [0.25, 0.75]),
        ("exclusive", [1000, -1000, 1000], [0.5, 0, 0.5]),
        ("votes", [0, 0, 0, LN3], [1 / 6, 1 / 6, 1 / 6, 0.5]),
    ],
)
def test_raw_outputs_are_decoded(kind, raw, wanted):
    assert same(KINDS[kind].decode(array(raw, raw)), [wanted, wanted])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_faces_are_decoded_to_none(kind):
    outputs = ("a", "b", "c")
    raw = np.empty((0, KINDS[kind].width(outputs)), np.float32)
    assert KINDS[kind].decode(raw).shape == (0, 3)


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("regression", {"a": "float32", "b": "float32"}),
        ("binary", {"a": "int8", "b": "int8"}),
        ("ordinal", {"a_r": "float32", "b_r": "float32"}),
        ("exclusive", {"x": "name"}),
        ("votes", {"a_votes": "float32", "b_votes": "float32"}),
    ],
)
def test_columns_of_a_layer_and_the_outputs_in_them(kind, columns):
    assert KINDS[kind].columns("x", ("a", "b")) == columns
    found = {key: [None, "b", "a", "b"] for key in columns}
    assert sorted(KINDS[kind].outputs_in("x", found)) == ["a", "b"]
    assert KINDS[kind].outputs_in("x", {}) == ()


def test_one_value_each_is_read_with_what_is_missing():
    columns = {
        "a": np.array([0.5, NAN], np.float64), "b": [None, -0.25],
        "a_r": [5.0, None], "c": np.array([1, -1], np.int8),
    }  # fmt: skip
    assert same(KINDS["regression"].read("x", ("b", "a"), columns, 2), [[NAN, 0.5], [-0.25, NAN]])
    assert same(KINDS["binary"].read("x", ("c", "d"), columns, 2), [[1, NAN], [NAN, NAN]])
    assert same(KINDS["ordinal"].read("x", ("a", "b"), columns, 2), [[5, NAN], [NAN, NAN]])


def test_a_class_is_read_as_a_row_of_its_own():
    found = KINDS["exclusive"].read("x", ("a", "b"), {"x": ["b", None, "other", "a"]}, 4)
    assert same(found, [[0, 1], [NAN, NAN], [NAN, NAN], [1, 0]])
    assert same(KINDS["exclusive"].read("x", ("a", "b"), {}, 1), [[NAN, NAN]])


def test_votes_are_read_as_shares():
    columns = {"a_votes": [1, None, None, 0, 0.2], "b_votes": [3, 4, None, 0, 0.2]}
    found = KINDS["votes"].read("x", ("a", "b"), columns, 5)
    assert same(found, [[0.25, 0.75], [0, 1], [NAN, NAN], [NAN, NAN], [0.5, 0.5]])
    one = KINDS["votes"].read("x", ("b", "c"), columns, 5)  # c has no column: no vote for it
    assert same(one[:1], [[1, 0]])
    assert KINDS["votes"].fallback == "expression"
    assert {KINDS[kind].fallback for kind in KINDS if kind != "votes"} == {None}


@pytest.mark.parametrize("kind", ["regression", "binary", "ordinal"])
def test_independent_outputs_are_aligned_one_by_one(kind):
    found = KINDS[kind].align(array([1, 2], [3, NAN]), ("a", "b"), ("b", "c", "a"))
    assert same(found, [[2, NAN, 1], [NAN, NAN, 3]])


@pytest.mark.parametrize("kind", ["exclusive", "votes"])
def test_classes_are_aligned_as_a_distribution(kind):
    values = array([0.2, 0.6, 0.2], [0, 0, 1], [NAN, NAN, NAN])
    found = KINDS[kind].align(values, ("a", "b", "c"), ("b", "d", "a"))
    assert same(found, [[0.75, 0, 0.25], [NAN, NAN, NAN], [NAN, NAN, NAN]])
    assert KINDS[kind].align(values, ("a", "b", "c"), ("a", "b", "c")) is values


PREDICTED = array([0.25, 0.75], [NAN, NAN])


@pytest.mark.parametrize(
    ("kind", "name", "columns", "values"),
    [
        ("regression", "x", ["a", "b"], [[0.25, None], [0.75, None]]),
        (
            "binary", "x", ["a_p", "a_c", "b_p", "b_c"],
            [[0.25, None], [0, None], [0.75, None], [1, None]],
        ),
        ("ordinal", "x", ["a_r", "b_r"], [[0.25, None], [0.75, None]]),
        ("exclusive", "x", ["x", "a", "b"], [["b", None], [0.25, None], [0.75, None]]),
        ("votes", "x_votes", ["x", "a", "b"], [["b", None], [0.25, None], [0.75, None]]),
    ],
)  # fmt: skip
def test_tables_of_an_analysis(kind, name, columns, values):
    assert KINDS[kind].table_columns(name, ("a", "b")) == columns
    assert KINDS[kind].table_values(PREDICTED, ("a", "b")) == values


def test_half_counts_as_present():
    assert KINDS["binary"].table_values(array([0.5], [0.49]), ("a",))[1] == [1, 0]


def test_small_tools():
    assert plain(np.array([1, 0, -1], np.int8)).tolist()[:2] == [1, 0]
    assert np.isnan(plain(np.array([-1], np.int8))).all()
    assert plain(np.array([-1.0])).tolist() == [-1]  # a valence, not a missing one
    assert plain(np.array([True, False])).tolist() == [1, 0]
    assert likeliest(array([0.2, 0.8], [0.5, 0.5], [NAN, 1])).tolist() == [1, 0, -1]
    assert likeliest(np.empty((2, 0), np.float32)).tolist() == [-1, -1]
    assert sigmoid(array([-1000, 0, 1000])).tolist() == [[0, 0.5, 1]]
