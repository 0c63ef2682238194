"""Paired tests agree with mlxtend, with tables worked by hand, and with their own level."""

import numpy as np
import pytest
from mlxtend.evaluate import mcnemar as mlxtend_mcnemar
from mlxtend.evaluate import mcnemar_table
from scipy.stats import ttest_1samp

from genreclf.evaluation.bootstrap import Bootstrap
from genreclf.evaluation.scores import macro_f1_estimate
from genreclf.evaluation.significance import corrected_resampled_t, holm, mcnemar, paired_bootstrap


def _right(only_first, only_other, both=10, neither=5):
    first = np.r_[np.ones(only_first), np.zeros(only_other), np.ones(both), np.zeros(neither)].astype(bool)
    other = np.r_[np.zeros(only_first), np.ones(only_other), np.ones(both), np.zeros(neither)].astype(bool)
    return first, other


@pytest.mark.parametrize(("only_first", "only_other"), [(1, 7), (25, 15), (3, 3), (0, 6), (11, 1)])
def test_exact_mcnemar_is_mlxtends(only_first, only_other):
    first, other = _right(only_first, only_other)
    truth = np.ones(len(first), dtype=int)
    table = mcnemar_table(truth, first.astype(int), other.astype(int))
    expected = mlxtend_mcnemar(table, exact=True)[1]
    assert mcnemar(first, other, mid_p=False).p_value == pytest.approx(min(expected, 1.0))


def test_mcnemar_of_the_table_in_fagerland_and_others():
    """Airway hyper-responsiveness before and after transplantation: 1 against 7 of 21 children."""
    first, other = _right(1, 7, both=1, neither=12)
    assert mcnemar(first, other, mid_p=False).p_value == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar(first, other).p_value == pytest.approx(0.0391, abs=5e-5)


def test_mcnemar_of_models_that_never_differ_is_one():
    first, other = _right(0, 0)
    assert mcnemar(first, other).p_value == 1.0


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


def _two_models(rng, tracks, right, other_right, genres=3):
    y = rng.integers(genres, size=tracks)
    wrong = (y + rng.integers(1, genres, size=(2, tracks))) % genres
    hits = rng.random((2, tracks)) < [[right], [other_right]]
    return y, np.where(hits[0], y, wrong[0]), np.where(hits[1], y, wrong[1])


def _bootstrap_p(y, one, two, seed, draws=300):
    bootstrap = Bootstrap.over(np.arange(len(y)), draws=draws, seed=seed)
    first, second = (macro_f1_estimate(y, y_pred, 3, bootstrap) for y_pred in (one, two))
    return paired_bootstrap(first - second).p_value


def test_true_nulls_are_rejected_about_five_times_in_a_hundred():
    rng = np.random.default_rng(3)
    bootstrap, mid_p, trials = [], [], 1000
    for trial in range(trials):
        y, one, two = _two_models(rng, 300, 0.65, 0.65)
        bootstrap.append(_bootstrap_p(y, one, two, trial))
        mid_p.append(mcnemar(one == y, two == y).p_value)
    assert 0.035 <= np.mean(np.array(bootstrap) < 0.05) <= 0.065
    assert 0.035 <= np.mean(np.array(mid_p) < 0.05) <= 0.065


def test_the_corrected_t_rejects_a_true_null_about_five_times_in_a_hundred():
    """Fold differences that share a part of their noise, as those of overlapping training sets do."""
    rng = np.random.default_rng(4)
    trials, folds, train, test = 4000, 5, 80.0, 20.0
    shared = test / (test + train)  # the correlation that Nadeau and Bengio assume
    noise = rng.normal(size=(trials, 1)) * shared**0.5 + rng.normal(size=(trials, folds)) * (1 - shared) ** 0.5
    p_values = np.array([corrected_resampled_t(row, train=train, test=test).p_value for row in noise])
    assert 0.04 <= np.mean(p_values < 0.05) <= 0.06


def test_a_difference_of_ten_points_on_a_thousand_tracks_is_found():
    rng = np.random.default_rng(5)
    y, one, two = _two_models(rng, 1000, 0.75, 0.65)
    assert _bootstrap_p(y, one, two, 0, draws=1000) < 0.01
    assert mcnemar(one == y, two == y).p_value < 0.01
