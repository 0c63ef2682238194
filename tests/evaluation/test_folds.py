"""Folds: nothing that belongs together on both sides, every genre on both, and scikit-learn's own where it can be."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from genreclf.errors import RequestError
from genreclf.evaluation.folds import grouped_folds, grouped_holdout, holdout, inner_folds, random_folds

_TABLES = 1000


def _random_labels(seed):
    """Genres and artists of a table: few artists, artists of one genre or of several, genres of one artist."""
    rng = np.random.default_rng(seed)
    genres, artists = rng.integers(2, 5), rng.integers(2, 15)
    tracks = rng.integers(2 * genres, 60)
    home = rng.integers(genres, size=artists)
    artist = rng.integers(artists, size=tracks)
    stray = rng.random(tracks) < rng.choice([0.0, 0.2])
    genre = np.where(stray, rng.integers(genres, size=tracks), home[artist])
    return np.array([f"genre{g}" for g in genre], dtype=object), artist


def _assert_a_partition(folds, tracks):
    tested = np.concatenate([fold.test for fold in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(tracks))
    for fold in folds:
        assert len(fold.test) > 0
        np.testing.assert_array_equal(np.sort(np.r_[fold.train, fold.test]), np.arange(tracks))


def test_no_artist_stands_on_both_sides_in_a_thousand_random_tables():
    made = refused = 0
    for seed in range(_TABLES):
        y, artists = _random_labels(seed)
        try:
            folds = grouped_folds(y, artists, folds=3, seed=seed)
        except RequestError:
            refused += 1
            continue
        made += 1
        _assert_a_partition(folds.folds, len(y))
        for fold in folds.folds:
            assert not set(artists[fold.train]) & set(artists[fold.test])
            assert len(set(y[fold.train])) >= 2
            for genre in set(y):
                for part in (fold.train, fold.test):
                    assert genre in y[part] or any(repr(genre) in note for note in folds.notes)
    assert made > 0.5 * _TABLES
    assert refused > 0


def test_no_recording_stands_on_both_sides_of_random_folds_and_holdouts():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        recordings = np.unique(rng.integers(rng.integers(20, 80), size=80), return_inverse=True)[1]
        y = np.array([f"genre{r % 2}" for r in recordings], dtype=object)
        for made in (random_folds(y, recordings, seed=seed), holdout(y, recordings, seed=seed)):
            for fold in made.folds:
                assert not set(recordings[fold.train]) & set(recordings[fold.test])
                assert len(np.union1d(fold.train, fold.test)) == len(y)


def test_without_twins_the_folds_are_scikit_learns_own():
    y = np.array(["a", "b", "c"] * 20, dtype=object)
    rows = np.arange(60)
    ours = random_folds(y, rows, folds=5, seed=42).pairs()
    theirs = StratifiedKFold(5, shuffle=True, random_state=42).split(rows, y)
    for (train, test), (other_train, other_test) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(train, other_train)
        np.testing.assert_array_equal(test, other_test)
    train, test = train_test_split(rows, test_size=0.25, stratify=y, random_state=42)
    fold = holdout(y, rows).folds[0]
    np.testing.assert_array_equal(fold.train, train)
    np.testing.assert_array_equal(fold.test, test)


def test_grouped_folds_are_scikit_learns_own_where_those_hold_every_genre():
    rng = np.random.default_rng(0)
    y = np.array(["a", "b"] * 60, dtype=object)
    artists = rng.integers(10, size=120) * 2 + (y == "b")
    ours = grouped_folds(y, artists, folds=5, seed=42)
    theirs = StratifiedGroupKFold(5, shuffle=True, random_state=42).split(y, y, artists)
    assert ours.notes == ()
    for (_, test), (_, other_test) in zip(ours.pairs(), theirs, strict=True):
        np.testing.assert_array_equal(test, other_test)


def test_a_genre_of_one_artist_is_named_with_the_fold_that_cannot_train_on_it():
    y = np.array(["a"] * 6 + ["b"] * 6 + ["solo"] * 3, dtype=object)
    artists = np.r_[np.arange(6), 6 + np.arange(6), [12, 12, 12]]
    notes = grouped_folds(y, artists, folds=3, seed=0).notes
    assert any("'solo'" in note and "training" in note and "fold" in note for note in notes)


def test_fewer_artists_than_folds_make_fewer_folds_and_that_is_said():
    y = np.array(["a", "b"] * 10, dtype=object)
    artists = np.repeat(np.arange(4), 5)
    made = grouped_folds(y, artists, folds=5)
    assert len(made.folds) == 4
    assert "4 artists: 4 folds instead of 5" in made.notes


@pytest.mark.parametrize(
    ("artists", "line"),
    [([0] * 8, "at least two artists"), ([0, 0, 0, 0, 1, 1, 1, 1], "fewer than two genres")],
)
def test_artists_that_cannot_be_kept_apart_are_refused(artists, line):
    y = np.array(["a"] * 4 + ["b"] * 4, dtype=object)
    with pytest.raises(RequestError, match=line):
        grouped_folds(y, np.array(artists), folds=2)


@pytest.mark.parametrize("folds", [-1, 0, 1, 11])
def test_senseless_numbers_of_folds_are_refused(folds):
    y = np.array(["a", "b"] * 10, dtype=object)
    with pytest.raises(RequestError, match=rf"folds={folds}: "):
        random_folds(y, np.arange(20), folds=folds)


@pytest.mark.parametrize("test_size", [0.0, 1.0, -0.5, 0.01, 0.99, float("nan")])
def test_senseless_test_shares_are_refused(test_size):
    y = np.array(["a", "b"] * 10, dtype=object)
    with pytest.raises(RequestError, match="test_size="):
        holdout(y, np.arange(20), test_size=test_size)


def test_inner_folds_fall_back_to_recordings_where_artists_are_too_few():
    y = np.array(["a"] * 8 + ["b"] * 8, dtype=object)
    recordings, artists = np.repeat(np.arange(8), 2) * 3, np.repeat([3, 9], 8)
    made = inner_folds(y, recordings, artists, folds=5)
    _assert_a_partition(made.folds, 16)
    assert len(made.folds) == 4
    for fold in made.folds:
        assert len(set(y[fold.train])) == 2
        assert not set(recordings[fold.train]) & set(recordings[fold.test])


def test_too_few_tracks_for_inner_folds_are_refused_in_words_of_the_training_part():
    with pytest.raises(RequestError, match="too few tracks of a genre for folds inside the training part"):
        inner_folds(np.array(["a", "b"], dtype=object), np.arange(2))


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5])
def test_an_artist_disjoint_holdout_tests_about_the_share_of_every_genre(test_size):
    rng = np.random.default_rng(0)
    artists = rng.integers(90, size=600)
    y = np.array([f"genre{artist % 3}" for artist in artists], dtype=object)
    (fold,) = grouped_holdout(y, artists, test_size=test_size, seed=1).folds
    _assert_no_artist_on_both_sides(fold, artists, len(y))
    for genre in set(y):
        assert np.mean(y[fold.test] == genre) == pytest.approx(np.mean(y == genre), abs=0.06)
        assert np.sum(y[fold.test] == genre) / np.sum(y == genre) == pytest.approx(test_size, abs=0.06)


def test_an_artist_disjoint_holdout_leaves_every_genre_on_both_sides_where_one_division_does():
    y = np.repeat(["a", "b"], 20).astype(object)
    artists = np.repeat([0, 1, 2, 3], 10)  # two artists for each genre: only one way to divide each
    for seed in range(10):
        (fold,) = grouped_holdout(y, artists, test_size=0.3, seed=seed).folds
        _assert_no_artist_on_both_sides(fold, artists, len(y))
        assert set(y[fold.train]) == set(y[fold.test]) == {"a", "b"}
    with pytest.raises(RequestError, match="at least two artists"):
        grouped_holdout(y, np.zeros(40, dtype=int))


def _assert_no_artist_on_both_sides(fold, artists, tracks):
    assert not set(artists[fold.train]) & set(artists[fold.test])
    np.testing.assert_array_equal(np.sort(np.r_[fold.train, fold.test]), np.arange(tracks))
