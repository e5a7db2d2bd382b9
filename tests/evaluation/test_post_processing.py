"""Median filter, centring, scaling and time shift, over tracks with gaps."""

import numpy as np
import pytest

from mien.evaluation.post_processing import PostProcessing, choose, choose_median
from mien.evaluation.traces import Traces
from mien.metrics.continuous import ccc

NAN = float("nan")


def traces(video, track, frame) -> Traces:
    return Traces.laid_out(
        np.array(video, np.int32), np.array(track, np.int32), np.array(frame, np.int64)
    )


def test_the_median_is_of_the_frames_around_and_of_the_track_alone():
    # Two tracks whose faces lie mixed, the first without its frame 2; and a photograph.
    laid = traces([0, 0, 0, 0, 0, -1], [0, 1, 0, 0, 1, -1], [0, 0, 1, 3, 1, -1])
    values = np.array([1.0, 100.0, 5.0, 3.0, 200.0, 7.0])
    found = laid.median(values, 3)
    assert found.tolist() == [3, 150, 3, 3, 150, 7]
    assert laid.median(values, 5).tolist() == [3, 150, 3, 4, 150, 7]
    assert laid.median(values, 1).tolist() == values.tolist()


def test_a_face_without_a_prediction_stays_without():
    laid = traces([0] * 4, [0] * 4, range(4))
    found = laid.median(np.array([1.0, NAN, 3.0, 5.0]), 3)
    assert np.isnan(found[1])
    assert found[[0, 2, 3]].tolist() == [1, 4, 4]


def test_a_shift_delays_and_holds_at_the_ends():
    laid = traces([0] * 5 + [1] * 2, [0] * 7, [0, 1, 2, 3, 4, 0, 1])
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0])
    assert laid.shifted(values, 2).tolist() == [1, 1, 1, 2, 3, 10, 10]
    assert laid.shifted(values, -1).tolist() == [2, 3, 4, 5, 5, 20, 20]
    gap = traces([0] * 3, [0] * 3, [0, 1, 4])
    assert gap.shifted(np.array([1.0, 2.0, 3.0]), 1).tolist() == [1, 1, 2]  # the last that is known


def test_photographs_alone_are_centred_and_scaled():
    laid = traces([-1] * 3, [-1] * 3, [-1] * 3)
    steps = PostProcessing(median=5, offset=1.0, middle=2.0, scale=2.0, shift=3)
    assert steps.apply(np.array([0.0, 1.0, 2.0]), laid).tolist() == [0, 2, 4]


def test_what_was_done_to_a_signal_is_found_and_undone():
    source = np.random.default_rng(0)
    t = np.arange(600)
    truth = 0.5 * np.sin(t / 25) + 0.2 * np.sin(t / 7)
    early = np.roll(truth, -9)  # the prediction runs nine frames ahead of slow raters
    said = 0.4 * early + 0.3 + source.normal(0, 0.02, 600)
    said[::50] += 2  # single frames that are far off
    laid = traces([0] * 600, [0] * 600, t)
    before = ccc(said, truth)
    steps = choose(said, truth, laid)
    assert steps.median > 1
    assert steps.shift == pytest.approx(9, abs=2)
    assert steps.scale == pytest.approx(2.5, abs=0.3)
    after = ccc(steps.apply(said, laid), truth)
    assert before < 0.5
    assert after > 0.95


def test_nothing_is_done_where_nothing_helps_or_nothing_is_known():
    laid = traces([-1] * 3, [-1] * 3, [-1] * 3)
    truth = np.array([0.1, 0.5, 0.9])
    assert choose(truth, truth, laid) == PostProcessing()
    assert choose(np.full(3, NAN), truth, laid) == PostProcessing()


def test_presence_is_smoothed_by_f1():
    t = np.arange(200)
    truth = ((t // 50) % 2).astype(float)
    said = np.where(truth == 1, 0.8, 0.2)
    said[5::10] = 1 - said[5::10]
    laid = traces([0] * 200, [0] * 200, t)
    steps = choose_median(said, truth, laid)
    assert steps.median >= 3
    assert ((steps.apply(said, laid) >= 0.5) == (truth == 1)).mean() > 0.97
