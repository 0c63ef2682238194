"""Repeats keep artists together and balance genres; random folds like artist-disjoint ones hold the same counts."""

import numpy as np
import pytest

from genreclf.evaluation.repeats import divide_again, divide_groups, like_folds, spread


def _tracks(seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.choice([1, 1, 2, 3, 8], size=60)
    groups = np.repeat(np.arange(60), sizes)
    return np.arange(60)[groups] % 3, groups


def _counts(y, groups):
    counts = np.zeros((groups.max() + 1, y.max() + 1))
    np.add.at(counts, (groups, y), 1)
    return counts


def test_divided_groups_share_the_genres_evenly():
    y, groups = _tracks()
    for side in divide_groups(_counts(y, groups), 5, number=10):
        held = np.zeros((5, 3))
        np.add.at(held, (side[groups], y), 1)
        assert held.std(axis=0).max() <= 2.5


def test_divisions_are_as_even_as_scikit_learns():
    from sklearn.model_selection import StratifiedGroupKFold

    y, groups = _tracks(1)
    counts = _counts(y, groups)

    def unevenness(side):
        held = np.zeros((5, 3))
        np.add.at(held, side, counts)
        return (held / counts.sum(axis=0)).std(axis=0).mean()

    ours = [unevenness(side) for side in divide_groups(counts, 5, number=20)]
    theirs = []
    for seed in range(20):
        side = np.empty(60, dtype=int)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for k, (_, test) in enumerate(splitter.split(y, y, groups)):
            side[groups[test]] = k
        theirs.append(unevenness(side))
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.15)


def test_repeats_start_with_the_first_division_and_part_pairs():
    y, groups = _tracks(2)
    first = divide_groups(_counts(y, groups), 5, number=1, seed=9)[0][groups]
    repeats = divide_again(y, groups, first, repeats=5)
    assert repeats[0] is first
    assert len({side.tobytes() for side in repeats}) == 5
    rows = np.unique(groups, return_index=True)[1]

    def together(sides):
        shared = sum((s[rows][:, None] == s[rows]).astype(int) for s in sides)
        return (shared**2).sum()

    plain = divide_groups(_counts(y, groups), 5, number=5, seed=1)[:, groups]
    assert together(repeats) < together(plain)
    assert all(len(np.unique(side[groups == g])) == 1 for side in repeats for g in range(60))


def test_one_repeat_is_the_first_division():
    y, groups = _tracks()
    first = np.arange(60)[groups] % 5
    assert divide_again(y, groups, first, repeats=1) == [first]


def test_spread_takes_the_division_that_differs():
    one, other = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert spread([one, one.copy(), other], 2) == [0, 2]


def test_random_folds_hold_the_counts_of_the_artist_safe_ones():
    y, groups = _tracks(3)
    side = divide_groups(_counts(y, groups), 5, number=1)[0][groups]
    recordings = np.arange(len(y))
    recordings[1] = recordings[0]  # two rows of one recording by one artist
    like = like_folds(y, recordings, side, seed=1)
    assert like[0] == like[1]
    np.testing.assert_array_equal(_counts(y, side), _counts(y, like))
    assert (like != side).mean() > 0.5
