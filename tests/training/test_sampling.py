"""Which faces a step sees."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.training.sampling import Balanced, Shuffled, Windowed, shares

CLASSES = np.array([0] * 40 + [2] * 8 + [-1] * 10 + [5] * 2)
WINDOWS = np.array([[0, 1, 2, 3], [2, 3, 4, 5], [6, 7, -1, 8], [9, 10, 11, 12], [13, 14, 15, 16]])


def shuffled(size: int, seed: int = 3, source: int = 0, rank: int = 0, world: int = 1) -> Shuffled:
    return Shuffled(30, size, seed, source, rank, world)


def balanced(size: int, seed: int = 3, source: int = 0, rank: int = 0, world: int = 1) -> Balanced:
    return Balanced(CLASSES, size, seed, source, rank, world)


def windowed(size: int, seed: int = 3, source: int = 0, rank: int = 0, world: int = 1) -> Windowed:
    return Windowed(WINDOWS, size, seed, source, rank, world)


SAMPLERS = pytest.mark.parametrize("make", [shuffled, balanced, windowed])


@SAMPLERS
def test_a_step_is_a_function_of_its_number_alone(make):
    forward, fresh = make(8), make(8)
    wanted = [forward.positions(step) for step in range(12)]
    for step in (11, 0, 7, 7):
        assert np.array_equal(fresh.positions(step), wanted[step])
    assert len({tuple(found) for found in wanted}) > 6


@SAMPLERS
def test_seeds_and_sources_have_orders_of_their_own(make):
    orders = [make(8), make(8, seed=4), make(8, source=1), make(8, source=2)]
    found = {tuple(np.concatenate([s.positions(i) for i in range(5)])) for s in orders}
    assert len(found) == 4


@SAMPLERS
def test_processes_share_the_batch_of_one(make):
    whole, parts = make(16), [make(8, rank=rank, world=2) for rank in range(2)]
    for step in range(6):
        found = np.concatenate([part.positions(step) for part in parts])
        assert np.array_equal(found, whole.positions(step))


def test_one_source_is_shuffled_as_it_always_was():
    orders = [np.random.default_rng((3, epoch)).permutation(30) for epoch in range(3)]
    wanted, order = np.concatenate(orders), shuffled(8)
    found = np.concatenate([order.positions(step) for step in range(11)])
    assert np.array_equal(found, wanted[:88])


def test_a_batch_larger_than_the_faces_goes_round():
    found = Shuffled(3, 8, seed=0).positions(0)
    assert np.bincount(found, minlength=3).tolist() in ([2, 3, 3], [3, 2, 3], [3, 3, 2])
    assert sorted(found[:3]) == sorted(found[3:6]) == [0, 1, 2]


def test_classes_are_drawn_alike_and_so_are_the_faces_of_one():
    order = balanced(50)
    found = np.concatenate([order.positions(step) for step in range(120)])
    drawn = CLASSES[found]
    counts = {c: int((drawn == c).sum()) for c in (0, 2, 5)}
    assert sum(counts.values()) == 6000  # none is unlabelled
    assert all(abs(count - 2000) < 150 for count in counts.values())  # four deviations
    of_two = np.bincount(found[drawn == 2] - 40, minlength=8)
    assert (abs(of_two - 250) < 70).all()


def test_there_must_be_classes_to_balance():
    with pytest.raises(InputError, match="no training face has a class to balance by"):
        Balanced(np.full(4, -1), 2, 0)


def test_windows_are_whole_and_their_missing_frames_stay_marked():
    order = windowed(8)
    seen = np.concatenate([order.positions(step) for step in range(5)]).reshape(-1, 4)
    assert all((window == WINDOWS).all(1).any() for window in seen)
    assert sorted(map(tuple, seen)) == sorted(map(tuple, np.concatenate([WINDOWS, WINDOWS])))
    assert (seen == -1).sum() == 2


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="batch_size 6 is no multiple of 4"):
        windowed(6)
    with pytest.raises(InputError, match="no training face belongs to a track"):
        Windowed(np.empty((0, 4), np.intp), 8, 0)


@pytest.mark.parametrize(
    ("size", "weights", "wanted"),
    [
        (64, [1], [64]),
        (16, [1, 1], [8, 8]),
        (16, [3, 1], [12, 4]),
        (10, [1, 1, 1], [4, 3, 3]),
        (10, [0.5, 0.25], [7, 3]),
        (8, [1000, 1], [7, 1]),
        (8, [1000, 1, 1], [6, 1, 1]),
        (2, [1, 9], [1, 1]),
    ],
)
def test_sources_give_their_share_of_a_batch(size, weights, wanted):
    assert shares(size, weights) == wanted


def test_a_batch_has_room_for_every_source():
    with pytest.raises(InputError, match="batch_size 2 is smaller than the number of"):
        shares(2, [1, 1, 1])
