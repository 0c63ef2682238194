"""Paired tests agree with tables worked by hand, and with their own level."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from genreclf.evaluation.significance import corrected_resampled_t, holm


def test_the_corrected_t_of_a_table_worked_by_hand():
    """Differences 1 to 5, mean 3, variance 2.5; 1/5 + 20/80 = 0.45; t = 3 / sqrt(1.125) = 2.8284 on 4 degrees."""
    found = corrected_resampled_t(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), train=80, test=20)
    assert found.statistic == pytest.approx(8**0.5)
    assert found.p_value == pytest.approx(0.04742, abs=1e-5)


def test_without_overlap_the_corrected_t_is_students():
    differences = np.array([0.3, -0.1, 0.25, 0.4, 0.05])
    ours = corrected_resampled_t(differences, train=1.0, test=0.0)
    theirs = ttest_1samp(differences, 0.0)
    assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_the_corrected_t_of_folds_that_never_differ_is_one():
    assert corrected_resampled_t(np.zeros(5), train=4, test=1).p_value == 1.0


def test_holm_of_a_table_worked_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, 0.9])), [1.0, 1.0])


def test_the_corrected_t_rejects_a_true_null_about_five_times_in_a_hundred():
    """Fold differences that share a part of their noise, as those of overlapping training sets do."""
    rng = np.random.default_rng(4)
    trials, folds, train, test = 4000, 5, 80.0, 20.0
    shared = test / (test + train)  # the correlation that Nadeau and Bengio assume
    noise = rng.normal(size=(trials, 1)) * shared**0.5 + rng.normal(size=(trials, folds)) * (1 - shared) ** 0.5
    p_values = np.array([corrected_resampled_t(row, train=train, test=test).p_value for row in noise])
    assert 0.04 <= np.mean(p_values < 0.05) <= 0.06
