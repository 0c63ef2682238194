"""The fitted curve is the one that made the scores, and its interval holds the truth."""

import numpy as np
import pytest

from genreclf.evaluation.learning_curve import fit_learning_curve

SIZES = np.array([10, 20, 40, 60, 80])


def _truth(n):
    return 0.7 - 0.9 * n**-0.5


def test_scores_on_a_power_law_are_fitted_exactly():
    curve = fit_learning_curve(SIZES, _truth(SIZES), np.zeros((5, 30)))
    assert curve(160) == pytest.approx(_truth(160), abs=1e-9)
    assert curve.interval(160) == pytest.approx((_truth(160), _truth(160)), abs=1e-9)
    assert curve.gain(80, 160)[0] == pytest.approx(_truth(160) - _truth(80), abs=1e-9)


def test_the_interval_of_twice_the_artists_holds_the_truth():
    rng = np.random.default_rng(0)
    held, trials = 0, 300
    for trial in range(trials):
        shared, own = 0.03 * rng.normal(size=100), 0.03 * rng.normal(size=(5, 100))
        luck = shared + own
        contributions = (luck - luck.mean(axis=1, keepdims=True)) / 100
        curve = fit_learning_curve(SIZES, _truth(SIZES) + luck.mean(axis=1), contributions, seed=trial)
        low, high = curve.interval(160)
        held += low <= _truth(160) <= high
    assert held / trials >= 0.93


def test_a_falling_score_is_fitted_by_a_flat_line():
    curve = fit_learning_curve(SIZES, np.linspace(0.6, 0.5, 5), np.zeros((5, 3)))
    assert curve(160) == pytest.approx(0.55)


def test_two_sizes_are_refused():
    with pytest.raises(ValueError, match="2 training sizes"):
        fit_learning_curve(np.array([1, 2]), np.zeros(2), np.zeros((2, 3)))
