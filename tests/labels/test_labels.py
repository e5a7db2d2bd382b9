import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import action_units, expressions
from mien.labels.arrays import Labels, Learned, Predictions, joined
from mien.labels.heads import (
    Head,
    describe_columns,
    head_from_dict,
    head_to_dict,
    heads_in,
    merged_heads,
    parse_outputs,
)

NAN = np.nan
AFFECT = Head("valence_arousal", ("valence", "arousal"))
UNITS = Head("au", ("AU01", "AU12"))
NAMES = Head("expression", ("neutral", "happiness"))


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


def array(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def same(found: np.ndarray, wanted: list[list[float]]) -> bool:
    assert found.dtype == np.float32
    return np.array_equal(found, array(*wanted), equal_nan=True)


def some_labels() -> Labels:
    values = {
        "valence_arousal": array([0.5, NAN], [NAN, NAN]),
        "au": array([1, 0], [NAN, 1]),
        "expression": array([0, 1], [NAN, NAN]),
    }
    return Labels((AFFECT, UNITS, NAMES), values, 2)


def test_labels_are_a_mapping_of_heads_over_faces():
    labels = some_labels()
    assert list(labels) == ["valence_arousal", "au", "expression"]
    assert (len(labels), labels.n) == (3, 2)
    assert labels.head("au") == UNITS
    assert labels.head("au_intensity") is None
    assert same(labels.column("au", "AU12")[None], [[0, 1]])
    assert np.isnan(labels.column("au", "AU04")).all()
    assert np.isnan(labels.column("au_intensity", "AU12")).tolist() == [True, True]


def test_aligning_reorders_outputs_and_marks_the_unknown_missing():
    wanted = (Head("au", ("AU12", "AU04")), Head("expression", ("happiness", "anger")))
    found = some_labels().aligned((*wanted, Head("au_intensity", ("AU12",))))
    assert same(found["au"], [[0, NAN], [1, NAN]])
    assert same(found["expression"], [[1, 0], [NAN, NAN]])
    assert same(found["au_intensity"], [[NAN], [NAN]])


def test_an_expression_the_other_list_lacks_is_unlabelled():
    found = some_labels().aligned([Head("expression", ("anger", "neutral"))])
    assert same(found["expression"], [[NAN, NAN], [NAN, NAN]])


def test_faces_without_votes_take_the_one_name_that_they_have():
    votes = Head("expression_votes", ("happiness", "neutral"))
    values = {
        "expression_votes": array([0.25, 0.75], [NAN, NAN], [NAN, NAN]),
        "expression": array([1, 0], [0, 1], [NAN, NAN]),
    }
    labels = Labels((votes, NAMES), values, 3)
    assert same(labels.aligned([votes])["expression_votes"], [[0.25, 0.75], [1, 0], [NAN, NAN]])
    assert same(labels.aligned([NAMES])["expression"], [[1, 0], [0, 1], [NAN, NAN]])
    alone = Labels((NAMES,), {"expression": values["expression"]}, 3)
    found = alone.of([votes])
    assert found.heads == (votes,)
    assert same(found["expression_votes"], [[0, 1], [1, 0], [NAN, NAN]])


@pytest.mark.parametrize("rows", [np.array([1]), np.array([False, True]), slice(1, 2)], ids=str)
def test_rows_can_be_picked(rows):
    found = some_labels().at(rows)
    assert (found.n, found.heads) == (1, (AFFECT, UNITS, NAMES))
    assert same(found["au"], [[NAN, 1]])


def test_rows_can_be_picked_where_there_is_no_head():
    assert Labels((), {}, 5).at(np.array([0, 3])).n == 2


def test_predictions_are_decoded_and_what_was_never_learned_is_hidden():
    raw = {"au": array([0.0, 0.0]), "expression": array([0.0, np.log(3)])}
    learned = Learned({"au": ("AU12",), "expression": NAMES.outputs})
    found = Predictions.decoded((UNITS, NAMES), raw, learned)
    assert same(found["au"], [[NAN, 0.5]])
    assert found["expression"][0].tolist() == pytest.approx([0.25, 0.75])
    assert np.isnan(found.fake).tolist() == [True]
    assert learned.mask(AFFECT).tolist() == [False, False]
    raw_before = array([0.0, 0.0])
    assert same(raw["au"], raw_before.tolist())  # the raw outputs stay as they were


def test_predictions_can_be_picked_and_joined():
    values = {"au": array([0.1, 0.2], [0.3, 0.4])}
    whole = Predictions((UNITS,), values, 2, np.array([0.9, 0.8], np.float32))
    parts = [whole.at(np.array([1])), whole.at(slice(0, 1))]
    found = joined(parts)
    assert same(found["au"], [[0.3, 0.4], [0.1, 0.2]])
    assert found.fake.tolist() == pytest.approx([0.8, 0.9])
    assert found.n == 2


# -- heads ----------------------------------------------------------------------------------------


def test_heads_are_found_in_the_columns_of_a_layer():
    columns = {
        "arousal": [0.1], "AU12": [1], "AU2_r": [3.0], "AU12_r": [2.0], "happiness_votes": [3],
        "neutral_votes": [1], "expression": ["happiness"], "image": ["a.png"],
    }  # fmt: skip
    assert heads_in(columns) == (
        AFFECT,  # both axes wherever there is one
        Head("au", ("AU12",)),
        Head("au_intensity", ("AU02", "AU12")),
        Head("expression", ("happiness",)),
        Head("expression_votes", ("neutral", "happiness")),
    )
    assert heads_in({"image": ["a.png"], "AU99": [1]}) == ()


def test_sets_of_heads_are_united_in_one_order():
    found = merged_heads(
        [Head("expression", ("fear", "own")), Head("au", ("AU12",))],
        [Head("au", ("AU01", "AU12")), Head("expression", ("neutral",))],
    )
    assert found == (UNITS, Head("expression", ("neutral", "fear", "own")))


@pytest.mark.parametrize(
    ("name", "wanted", "outputs"),
    [
        ("au", [12, "AU1", "au_04"], ("AU12", "AU01", "AU04")),
        ("au_intensity", [2], ("AU02",)),
        ("expression", ["Happy", "own"], ("happiness", "own")),
        ("expression_votes", ["neutral"], ("neutral",)),
        ("valence_arousal", ["arousal"], ("arousal",)),
    ],
)
def test_outputs_are_read_as_people_write_them(name, wanted, outputs):
    assert parse_outputs(name, wanted) == Head(name, outputs)


@pytest.mark.parametrize(
    ("name", "wanted", "words"),
    [
        ("units", [1], "unknown head 'units'"),
        ("au", [99], "heads.au: 99 is none of its outputs"),
        ("au", [1, "AU01"], "heads.au names AU01 twice"),
        ("valence_arousal", ["joy"], "heads.valence_arousal: 'joy' is none of its outputs"),
        ("expression", [""], "heads.expression: '' is none of its outputs"),
    ],
)
def test_unknown_heads_and_outputs_are_refused(name, wanted, words):
    with pytest.raises(InputError, match=words):
        parse_outputs(name, wanted)


def test_a_head_survives_plain_values_and_says_what_its_columns_mean():
    assert head_from_dict(head_to_dict(UNITS)) == UNITS
    assert head_to_dict(UNITS) == {"name": "au", "outputs": ["AU01", "AU12"]}
    with pytest.raises(InputError, match="unknown head 'pain'"):
        head_from_dict({"name": "pain", "outputs": ["pain"]})
    votes = Head("expression_votes", ("neutral",))
    assert describe_columns([AFFECT, votes]) == {
        "valence": "valence and arousal, -1 to 1",
        "arousal": "valence and arousal, -1 to 1",
        "neutral_votes": "expression, as several raters voted",
    }
