import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.metrics.continuous import ccc, mse, rmse


def test_ccc_by_hand_with_population_variances():
    # Means 2 and 2.5, variances 2/3 and 1/6 (dividing by N = 3): covariance 1/3.
    # 2/3 / (2/3 + 1/6 + 1/4) = 2/3 / (13/12) = 8/13.
    assert ccc([1, 2, 3], [2, 2.5, 3]) == pytest.approx(8 / 13, abs=1e-12)


def test_ccc_is_the_lin_value_and_not_the_sample_one():
    # The example of torchmetrics' documentation: 0.9777 with N - 1, 0.9768 with N.
    assert ccc([2.5, 0.0, 2, 8], [3, -0.5, 2, 7]) == pytest.approx(0.97678916, abs=1e-8)


def test_unlabelled_pairs_change_nothing():
    assert ccc([1, 9, 2, 3], [2, np.nan, 2.5, 3]) == pytest.approx(8 / 13, abs=1e-12)
    assert mse([1, np.nan], [3, 5]) == 4
    assert rmse([1, 7], [3, np.nan]) == 2


def test_nothing_to_measure_is_nan_and_a_constant_guess_is_zero():
    assert math.isnan(ccc([1], [1]))
    assert math.isnan(ccc([1, 1], [1, 1]))
    assert math.isnan(mse([np.nan], [1]))
    assert ccc([0.3, 0.3, 0.3], [0.1, 0.5, 0.9]) == 0


values = arrays(np.float64, 8, elements=st.floats(-1, 1, width=16))


@given(values, values)
def test_ccc_is_symmetric_bounded_and_below_pearson(x, y):
    score = ccc(x, y)
    if math.isnan(score):
        return
    assert abs(score) <= 1 + 1e-12
    assert score == pytest.approx(ccc(y, x), abs=1e-12)
    if x.std() > 1e-3 and y.std() > 1e-3:
        assert abs(score) <= abs(np.corrcoef(x, y)[0, 1]) + 1e-9
