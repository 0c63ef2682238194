"""The set of models that may be the best holds equal models and leaves out those that are behind."""

import numpy as np
import pytest

from genreclf.evaluation.best_set import best_set
from genreclf.evaluation.uncertainty import Estimate


def _models(rng, means, artists=120, repeats=2):
    """Scores as means over artists, whose luck the models partly share."""
    luck = rng.normal(size=artists)
    values = [mean + 0.1 * (luck + rng.normal(size=(repeats, artists))) for mean in means]
    return [[Estimate(row.mean(), (row - row.mean()) / artists) for row in v] for v in values]


def test_equal_models_are_told_apart_in_no_more_than_six_of_a_hundred():
    rng = np.random.default_rng(0)
    trials = 400
    wrong = sum(not best_set(_models(rng, [0.6] * 5), draws=400, seed=k).members.all() for k in range(trials))
    assert 0.03 <= wrong / trials <= 0.065


def test_a_model_far_behind_is_left_out_and_the_rest_stays():
    found = best_set(_models(np.random.default_rng(5), [0.6, 0.6, 0.3]))
    assert found.members.tolist() == [True, True, False]
    assert found.p_values.max() == 1


def test_models_are_compared_on_the_repeats_that_both_have():
    one, other = _models(np.random.default_rng(2), [0.6, 0.6], repeats=3)
    lucky = [one[0], *(Estimate(0.9, e.contributions) for e in one[1:])]
    assert best_set([lucky, other[:1]]).members.all()
    assert not best_set([lucky, other]).members.all()


def test_equal_predictions_cannot_be_told_apart():
    scores = _models(np.random.default_rng(3), [0.6])
    np.testing.assert_array_equal(best_set(scores * 2).p_values, 1)


def test_one_model_is_the_best():
    assert best_set([[Estimate(0.5, np.zeros(4))]]).members.tolist() == [True]


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_larger_factor_leaves_out_fewer(factor):
    (one,), (other,) = _models(np.random.default_rng(4), [0.6, 0.6], repeats=1)
    behind = 0.6 - 3.5 * (one - other).standard_error
    scores = [Estimate(0.6, one.contributions, factor), Estimate(behind, other.contributions, factor)]
    assert best_set([[score] for score in scores]).members.all() == (factor == 2.0)
