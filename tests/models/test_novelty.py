"""Novelty: a percentile, high for what the training tracks are not like."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genreclf.models.novelty import Novelty, fit_novelty


def fitted(tracks, features):
    X = np.random.default_rng(0).normal(size=(tracks, features)) @ np.diag(np.arange(1, features + 1.0))
    side = np.arange(tracks) % 5
    return X, fit_novelty(X, [(np.flatnonzero(side != k), np.flatnonzero(side == k)) for k in range(5)])


@pytest.fixture(scope="module")
def tracks():
    return fitted(200, 8)


def percentile(novelty, X, rows):
    return novelty.percentile(rows, X.mean(axis=0), X.std(axis=0))


@given(rows=arrays(float, (3, 8), elements=st.floats(-1e9, 1e9) | st.just(float("nan"))))
def test_it_is_a_percentile(tracks, rows):
    found = percentile(tracks[1], tracks[0], rows)
    assert ((found >= 0) & (found <= 100)).all()


def test_fresh_tracks_of_the_same_kind_are_spread_evenly_and_others_are_far(tracks):
    X, novelty = tracks
    fresh = np.random.default_rng(1).normal(size=(2000, 8)) @ np.diag(np.arange(1, 9.0))
    assert np.mean(percentile(novelty, X, fresh)) == pytest.approx(50, abs=6)
    assert percentile(novelty, X, X.mean(axis=0)[None])[0] < 5
    assert (percentile(novelty, X, X + 6 * X.std(axis=0)) == 100).all()


def test_more_features_than_tracks_give_the_same_directions():
    X, novelty = fitted(60, 200)
    z = np.clip((X - X.mean(axis=0)) / X.std(axis=0), -10, 10)
    _, singular, rows = np.linalg.svd(z - z.mean(axis=0), full_matrices=False)
    expected = np.abs(rows[0]) / (singular[0] / np.sqrt(60))
    np.testing.assert_allclose(np.abs(novelty.directions[-1]), expected, rtol=1e-4, atol=1e-6)


def test_constant_features_are_no_distance(tracks):
    X = np.column_stack([tracks[0], np.full(200, 7.0)])
    side = np.arange(200) % 2
    novelty = fit_novelty(X, [(np.flatnonzero(side == k), np.flatnonzero(side != k)) for k in (0, 1)])
    assert percentile(novelty, X, X.mean(axis=0)[None])[0] < 5


def test_it_reads_back_from_json_as_it_was(tracks):
    assert msgspec.json.decode(msgspec.json.encode(tracks[1]), type=Novelty) == tracks[1]
