"""Agreement measures on the examples that their authors published."""

import numpy as np
import pytest

from mien.metrics.agreement import (
    class_counts,
    cohen_kappa,
    dawid_skene,
    fleiss_kappa,
    icc,
    krippendorff_alpha,
    negative_agreement,
    pairwise,
    pearson,
    positive_agreement,
    signed_differential_agreement,
)

NAN = float("nan")
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
"""Krippendorff 2011, part D: four observers, twelve units."""

SHROUT_FLEISS = [
    [9, 6, 8, 7, 10, 6],
    [2, 1, 4, 1, 5, 2],
    [5, 3, 6, 2, 6, 4],
    [8, 2, 8, 6, 9, 7],
]
"""Shrout & Fleiss 1979, Table 2: four judges, six targets."""

FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip

ANAESTHETISTS = """
111 1 1 1 1|333 4 3 3 4|112 2 1 2 2|222 3 1 2 1|222 3 2 2 2|222 3 3 2 2|122 2 1 1 1|333 3 4 3 3
222 2 2 2 3|232 2 2 2 3|444 4 4 4 4|222 3 3 4 3|111 1 1 1 1|222 3 2 1 2|121 1 1 1 1|111 2 1 1 1
111 1 1 1 1|111 1 1 1 1|222 2 2 2 1|222 1 3 2 2|222 2 2 2 2|222 2 2 2 1|222 3 2 2 2|221 2 2 2 2
111 1 1 1 1|111 1 1 1 1|232 2 2 2 2|111 1 1 1 1|111 1 1 1 1|112 1 1 2 1|111 1 1 1 1|333 3 2 3 3
111 1 1 1 1|222 2 2 2 2|222 3 2 3 2|433 4 3 4 3|221 2 2 3 2|232 3 2 3 3|333 3 4 3 2|111 1 1 1 1
111 1 1 1 1|121 2 1 1 1|232 2 2 2 2|121 1 1 1 1|222 2 2 2 2
"""
"""Dawid & Skene 1979, Table 1: 45 patients, five observers, the first asked three times."""


def two_by_two(a: int, b: int, c: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([1, 1, 0, 0], (a, b, c, d)), np.repeat([1, 0, 1, 0], (a, b, c, d))


def test_cohen():
    assert cohen_kappa(*two_by_two(20, 5, 10, 15)) == pytest.approx(0.40)
    assert cohen_kappa(*two_by_two(45, 15, 25, 15)) == pytest.approx(0.1304, abs=5e-5)
    assert cohen_kappa(*two_by_two(25, 35, 5, 35)) == pytest.approx(0.2593, abs=5e-5)
    assert cohen_kappa([1, 0, -1, 0], [1, 0, 1, -1]) == 1.0
    assert np.isnan(cohen_kappa([1, 1], [1, 1]))
    assert np.isnan(cohen_kappa([-1], [1]))


def test_high_agreement_but_low_kappa():
    """Feinstein & Cicchetti 1990, Tables 1 and 2."""
    even, skewed = two_by_two(40, 9, 6, 45), two_by_two(80, 10, 5, 5)
    assert cohen_kappa(*even) == pytest.approx(0.70, abs=5e-3)
    assert cohen_kappa(*skewed) == pytest.approx(0.32, abs=5e-3)
    assert positive_agreement(*even) == pytest.approx(0.842, abs=5e-4)
    assert negative_agreement(*even) == pytest.approx(0.857, abs=5e-4)
    assert positive_agreement(*skewed) == pytest.approx(0.914, abs=5e-4)
    assert negative_agreement(*skewed) == pytest.approx(0.40)
    assert np.isnan(positive_agreement([0, 0], [0, 0]))


def test_fleiss():
    assert fleiss_kappa(FLEISS) == pytest.approx(0.210, abs=5e-4)
    assert np.isnan(fleiss_kappa([[3, 0], [3, 0]]))
    counts = class_counts([[0, 1, -1], [0, 1, 1], [1, 1, 1]], 2)
    np.testing.assert_array_equal(counts, [[2, 1], [0, 3], [0, 2]])


def test_krippendorff():
    assert krippendorff_alpha(KRIPPENDORFF) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(KRIPPENDORFF, "ordinal") == pytest.approx(0.815, abs=5e-4)
    assert krippendorff_alpha(KRIPPENDORFF, "interval") == pytest.approx(0.849, abs=5e-4)
    assert np.isnan(krippendorff_alpha([[1.0, 1.0], [1.0, 1.0]]))
    assert np.isnan(krippendorff_alpha([[1.0, 1.0], [1.0, 1.0]], "interval"))
    assert np.isnan(krippendorff_alpha([[1.0, NAN], [NAN, 1.0]]))


def test_icc():
    found = icc(SHROUT_FLEISS)
    assert found.single == pytest.approx(0.17, abs=5e-3)
    assert found.absolute == pytest.approx(0.29, abs=5e-3)
    assert found.consistent == pytest.approx(0.71, abs=6e-3)
    assert found.mean_single == pytest.approx(0.44, abs=5e-3)
    assert found.mean_absolute == pytest.approx(0.62, abs=5e-3)
    assert found.mean_consistent == pytest.approx(0.91, abs=5e-3)
    assert np.isnan(icc([[1.0, 2.0]]).absolute)


def test_dawid_skene():
    """The paper's prevalences, and the patients whom it calls doubtful."""
    cells = [item.split() for line in ANAESTHETISTS.split("\n") for item in line.split("|") if item]
    votes = np.zeros((45, 5, 4))
    for patient, observers in enumerate(cells):
        for observer, said in enumerate(observers):
            for grade in said:
                votes[patient, observer, int(grade) - 1] += 1
    found = dawid_skene(votes)
    np.testing.assert_allclose(found.prevalence, [0.40, 0.42, 0.11, 0.07], atol=5e-3)
    np.testing.assert_allclose(found.confusion[0, 0, :2], [0.89, 0.11], atol=5e-3)
    np.testing.assert_allclose(found.posterior.sum(1), 1)
    assert found.posterior[0].argmax() == 0
    votes[3] = 0
    assert np.isnan(dawid_skene(votes).posterior[3]).all()


def test_traces():
    x = np.array([0.0, 1, 2, 2, 1, NAN, 0])
    assert signed_differential_agreement(x, np.exp(x)) == 1.0
    assert signed_differential_agreement(x, -x) == pytest.approx(-0.5)  # both rest once, of four
    assert np.isnan(signed_differential_agreement([1.0], [1.0]))
    assert pearson(x, 3 - 2 * x) == pytest.approx(-1)
    assert np.isnan(pearson([1, 1], [1, 2]))
    table = pairwise(pearson, [[0, 1, 2], [0, 2, 4], [2, 1, 0]])
    assert table[0, 1] == pytest.approx(1)
    assert table[2, 1] == pytest.approx(-1)
    assert np.isnan(table.diagonal()).all()
