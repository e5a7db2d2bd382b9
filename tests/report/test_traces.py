import numpy as np
import pytest

from mien.report.traces import Trace, thinned, turning_points


def trace(**signals) -> Trace:
    n = len(next(iter(signals.values())))
    return Trace(np.arange(n) / 30, {k: np.asarray(v, float) for k, v in signals.items()})


def test_turning_points_are_the_peaks_that_stand_out():
    time_s = np.arange(300) / 30
    smile = 0.8 * np.exp(-(((time_s - 3) / 0.5) ** 2)) + 0.02 * np.sin(40 * time_s)
    points = turning_points(trace(AU12_p=smile, AU01_p=np.full(300, np.nan)), ["AU12_p", "AU01_p"])
    assert [(p.signal, p.rising) for p in points] == [("AU12_p", True)]
    assert points[0].time_s == pytest.approx(3, abs=0.15)


def test_the_most_prominent_are_kept_apart_and_in_order():
    time_s = np.arange(900) / 30
    wave = 0.4 * np.sin(2 * np.pi * time_s / 3)
    points = turning_points(trace(valence=wave, arousal=wave), ["valence", "arousal"], most=5)
    assert len(points) == 5
    times = [p.time_s for p in points]
    assert times == sorted(times)
    assert np.diff(times).min() >= 0.8


def test_a_still_face_and_a_short_one_have_none():
    assert turning_points(trace(valence=np.zeros(100)), ["valence"]) == []
    assert turning_points(trace(valence=[0, 1]), ["valence"]) == []


def test_thinning_averages_what_is_known():
    thin = thinned(trace(v=[1, 3, np.nan, 5, np.nan, np.nan]), most=3)
    assert thin.signals["v"][:2].tolist() == [2, 5]
    assert np.isnan(thin.signals["v"][2])
    assert thin.time_s.tolist() == pytest.approx([0.5 / 30, 2.5 / 30, 4.5 / 30])
    short = trace(v=[1, 2])
    assert thinned(short) is short
