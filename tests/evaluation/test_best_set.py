"""The set of models that may be the best holds equal models and leaves out those that are behind."""

import numpy as np
import pytest

from genreclf.evaluation.best_set import best_set


def _models(rng, means, artists=120, repeats=2):
    """Scores as means over artists, whose luck the models partly share."""
    luck = rng.normal(size=artists)
    values = [mean + 0.1 * (luck + rng.normal(size=(repeats, artists))) for mean in means]
    scores = [v.mean(axis=1) for v in values]
    return scores, [(v - v.mean(axis=1, keepdims=True)) / artists for v in values]


def test_equal_models_are_told_apart_in_no_more_than_six_of_a_hundred():
    rng = np.random.default_rng(0)
    trials = 400
    wrong = sum(
        not best_set(*_models(rng, [0.6] * 5), factor=1.0, draws=400, seed=k).members.all() for k in range(trials)
    )
    assert 0.03 <= wrong / trials <= 0.065


def test_a_model_far_behind_is_left_out_and_the_rest_stays():
    found = best_set(*_models(np.random.default_rng(1), [0.6, 0.6, 0.3]))
    assert found.members.tolist() == [True, True, False]
    assert found.p_values.max() == 1


def test_models_are_compared_on_the_repeats_that_both_have():
    scores, contributions = _models(np.random.default_rng(2), [0.6, 0.6], repeats=3)
    scores[1] = scores[1][:1]
    contributions[1] = contributions[1][:1]
    scores[0][1:] = 0.0
    assert best_set(scores, contributions).members.all()


def test_equal_predictions_cannot_be_told_apart():
    scores, contributions = _models(np.random.default_rng(3), [0.6])
    found = best_set(scores * 2, contributions * 2)
    np.testing.assert_array_equal(found.p_values, 1)


def test_one_model_is_the_best():
    assert best_set([np.array([0.5])], [np.zeros((1, 4))]).members.tolist() == [True]


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_larger_factor_leaves_out_fewer(factor):
    _, contributions = _models(np.random.default_rng(4), [0.6, 0.6])
    deviation = np.sqrt(((contributions[0] - contributions[1]).mean(axis=0) ** 2).sum())
    scores = [np.full(2, 0.6), np.full(2, 0.6 - 3 * deviation)]
    assert best_set(scores, contributions, factor=factor).members.all() == (factor == 2.0)
