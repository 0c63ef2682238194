"""Selective prediction: the curve is the plain formula's, and sets hold the true genre as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genreclf.evaluation.probability_scores import aurc
from genreclf.evaluation.selective import area, risk_coverage, set_thresholds
from genreclf.evaluation.uncertainty import Jackknife


@given(st.permutations(range(25)), arrays(bool, 25))
def test_the_risk_is_the_share_of_errors_among_the_most_confident(order, right):
    confidence = np.array(order) / 25
    found, risks = risk_coverage(confidence, right)
    for n in range(1, 26):
        chosen = np.argsort(-confidence)[:n]
        assert risks[n - 1] == pytest.approx(np.mean(~right[chosen]))
        assert found[n - 1] == confidence[chosen[-1]]


@given(arrays(bool, 12))
def test_without_any_order_the_area_is_the_error_rate(right):
    assert risk_coverage(np.full(12, 0.5), right)[1].mean() == pytest.approx(np.mean(~right))


@given(arrays(bool, 15))
def test_the_area_changes_with_the_weight_of_a_track(right):
    confidence = np.linspace(1, 0, 15)

    def weighted(weights):
        risks = np.cumsum(weights * ~right) / np.cumsum(weights)
        return (weights * risks).sum() / weights.sum()

    value, change = area(confidence, right)
    assert value == pytest.approx(weighted(np.ones(15)))
    for track in range(15):
        step = 1e-6 * (np.arange(15) == track)
        assert change[track] == pytest.approx((weighted(1 + step) - weighted(1 - step)) / 2e-6, abs=1e-7)


@given(arrays(int, 15, elements=st.integers(0, 3)), arrays(bool, 15))
def test_more_of_everything_changes_no_area_and_tracks_that_are_alike_change_it_alike(confidence, right):
    change = area(confidence / 3, right)[1]
    assert change.sum() == pytest.approx(0, abs=1e-12)
    for alike in ((confidence == c) & (right == r) for c in range(4) for r in (False, True)):
        assert np.ptp(change[alike], axis=0) < 1e-12 if alike.any() else True


def test_the_interval_of_the_area_holds_the_true_one():
    rng = np.random.default_rng(0)

    def drawn(artists):
        artist = np.repeat(np.arange(artists), rng.integers(1, 8, artists))
        skill = 1 + rng.normal(size=artists)[artist] + rng.normal(size=len(artist))
        right = rng.random(len(artist)) < 1 / (1 + np.exp(-skill))
        confidence = 1 / (1 + np.exp(-skill / 2 - rng.normal(size=len(artist))))
        return aurc(confidence, right, Jackknife.over(artist % 4, artist, 4))

    truth = drawn(20_000).value
    held = [low <= truth <= high for low, high in (drawn(60).interval for _ in range(300))]
    assert 0.91 < np.mean(held) < 0.985


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_sets_hold_the_true_genre_of_new_artists_as_often_as_stated(level):
    rng = np.random.default_rng(1)
    held = []
    for _ in range(400):
        effect = rng.normal(size=41)  # of 40 artists, and of the new one
        artist = np.repeat(np.arange(40), rng.integers(1, 10, 40))
        shares = 1 / (1 + np.exp(-effect[artist] - 0.3 * rng.normal(size=len(artist))))
        new = 1 / (1 + np.exp(-effect[40] - 0.3 * rng.normal()))
        held.append(new >= set_thresholds(shares, artist, [level])[0])
    assert level - 0.04 < np.mean(held) < level + 0.06


def test_too_few_artists_for_a_level_take_every_genre():
    shares, artists = np.linspace(0.1, 0.9, 9), np.arange(9)
    found = set_thresholds(shares, artists, [0.1, 0.9, 0.95])
    np.testing.assert_allclose(found, [0.9, 0.1, 0.0])


@given(arrays(float, 30, elements=st.floats(0, 1)), arrays(int, 30, elements=st.integers(0, 8)))
def test_a_higher_level_asks_for_less(shares, artists):
    assert (np.diff(set_thresholds(shares, artists, np.arange(1, 100) / 100)) <= 0).all()
