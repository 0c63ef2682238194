"""Intervals equal those computed the slow way, and hold the truth as often as they say."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from genreclf.evaluation.scores import accuracy, f1_by_genre, macro_f1
from genreclf.evaluation.uncertainty import Estimate, Jackknife, degrees_of_freedom


def _tracks(seed, artists=20, of_artist=3, genres=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(genres, size=artists * of_artist)
    y_pred = np.where(rng.random(len(y)) < 0.6, y, rng.integers(genres, size=len(y)))
    return y, y_pred, np.repeat(np.arange(artists), of_artist)


@pytest.mark.parametrize("seed", range(3))
def test_contributions_are_those_of_scores_without_each_artist(seed):
    y, y_pred, groups = _tracks(seed)
    artists = np.array([len(np.unique(groups[y == k])) for k in range(3)])
    expected = []
    for left_out in range(20):
        rest = groups != left_out
        weights = (np.bincount(y) / np.bincount(y[rest], minlength=3))[y[rest]]
        without = f1_score(y[rest], y_pred[rest], average="macro", sample_weight=weights)
        share = np.mean([(artists[k] - 1) / artists[k] for k in y[~rest]])
        expected.append((f1_score(y, y_pred, average="macro") - without) * np.sqrt(share))
    found = Jackknife.over(y, groups, 3).score(y_pred, macro_f1)
    assert found.value == pytest.approx(f1_score(y, y_pred, average="macro"))
    np.testing.assert_allclose(found.contributions, expected, atol=1e-12)


def test_accuracy_is_a_mean_over_tracks():
    y, y_pred, groups = _tracks(3)
    jackknife = Jackknife.over(y, groups, 3)
    one, other = jackknife.mean((y == y_pred).astype(float)), jackknife.score(y_pred, accuracy)
    assert one.value == pytest.approx(other.value)
    np.testing.assert_allclose(one.contributions, other.contributions, atol=1e-12)


def test_scores_by_genre_come_one_a_genre():
    y, y_pred, groups = _tracks(4)
    found = Jackknife.over(y, groups, 3).scores(y_pred, f1_by_genre)
    np.testing.assert_allclose([e.value for e in found], f1_score(y, y_pred, average=None))
    assert {e.contributions.shape for e in found} == {(20,)}


def test_the_standard_error_of_accuracy_over_single_tracks_is_the_binomial_one():
    y = np.repeat([0, 1], 200)
    y_pred = np.where(np.arange(400) % 4 == 0, 1 - y, y)
    found = Jackknife.over(y, np.arange(400), 2).score(y_pred, accuracy)
    assert found.standard_error == pytest.approx(np.sqrt(0.75 * 0.25 / 400), rel=0.01)


def test_a_genre_of_one_artist_stays_when_the_artist_is_left_out():
    y = np.array([0, 0, 1, 1, 1, 2, 2, 2])
    groups = np.array([0, 0, 1, 2, 3, 4, 5, 6])
    contributions = Jackknife.over(y, groups, 3).score(np.array([0, 1, 1, 1, 0, 2, 2, 1]), macro_f1).contributions
    assert contributions[0] == 0
    assert np.isfinite(contributions).all()


def test_degrees_of_freedom_fall_where_one_artist_holds_the_variance():
    assert degrees_of_freedom(np.random.default_rng(0).normal(size=3000)) == pytest.approx(3000, rel=0.1)
    assert degrees_of_freedom(np.array([1.0, 1e-6, 1e-6])) == pytest.approx(1)


def test_a_perfect_score_has_an_interval_that_few_artists_allow():
    y = np.repeat([0, 1], 10)
    found = Jackknife.over(y, np.arange(20), 2).score(y, macro_f1)
    assert found.interval == (pytest.approx(0.025 ** (1 / 20)), 1.0)


def test_a_score_without_a_value_has_no_interval():
    assert np.isnan(Estimate(float("nan"), np.zeros(3)).interval).all()


def test_differences_and_means_are_those_of_the_contributions():
    one, other = Estimate(0.6, np.array([0.03, -0.04])), Estimate(0.5, np.array([0.0, 0.0]))
    assert (one - other).value == pytest.approx(0.1)
    assert (one - other).standard_error == pytest.approx(0.05)
    assert (one - other).bounds == (-1, 1)
    assert Estimate.mean([one, other]).standard_error == pytest.approx(0.025)


def test_training_widens_scores_most_in_genres_of_few_artists_and_differences_less():
    y, y_pred, groups = np.repeat([0, 1], 40), np.tile([0, 1], 40), np.r_[np.repeat(np.arange(4), 10), np.arange(4, 44)]
    tested, trained = (Jackknife.over(y, groups, 2, trained=t).score(y_pred, macro_f1) for t in (False, True))
    np.testing.assert_array_equal(trained.contributions, tested.contributions)
    np.testing.assert_allclose(trained.factor, np.sqrt(1.3 + 2 / np.repeat([4, 40], [4, 40])))
    np.testing.assert_allclose((trained - trained).factor, 0.96 * trained.factor)
    assert (tested - tested).factor == tested.factor == 1


def test_the_p_value_is_below_5_percent_where_the_interval_leaves_out_nought():
    contributions = np.random.default_rng(1).normal(size=50) / 1000
    reach = Estimate(0.0, contributions).interval[1]
    assert Estimate(reach * 1.01, contributions).p_value < 0.05 < Estimate(reach * 0.99, contributions).p_value
    assert Estimate(0.1, np.zeros(3)).p_value == 1


def test_the_interval_of_macro_f1_holds_the_truth_93_to_97_times_in_a_hundred():
    """Simulated predictions with known error rates, tracks of an artist sharing their luck."""
    rng = np.random.default_rng(0)
    genres, artists, of_artist, right = 3, 150, 3, 0.7
    held, trials = 0, 1000
    y = np.repeat(np.arange(artists) % genres, of_artist)
    groups = np.repeat(np.arange(artists), of_artist)
    for _ in range(trials):
        luck = np.repeat(rng.random(artists), of_artist)
        shared = np.repeat(rng.random(artists) < 0.3, of_artist)
        hit = np.where(shared, luck, rng.random(len(y))) < right
        y_pred = np.where(hit, y, (y + rng.integers(1, genres, size=len(y))) % genres)
        low, high = Jackknife.over(y, groups, genres).score(y_pred, macro_f1).interval
        held += low <= right <= high  # errors fall evenly, so that every genre's F1 is `right`
    assert 0.93 <= held / trials <= 0.97
