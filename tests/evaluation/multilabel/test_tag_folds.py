"""Folds of tags: every tag in even shares, and the tracks of an artist on one side."""

from __future__ import annotations

import numpy as np
import pytest
from made_tags import made_up_tags

from genreclf.errors import RequestError
from genreclf.evaluation.groups import find_groups
from genreclf.evaluation.multilabel.folds import folds_of_tags, iterative_stratification, tag_plan
from genreclf.evaluation.protocols import Settings


def unevenness(Y, side, folds=5):
    shares = np.array([Y[side == k].sum(axis=0) for k in range(folds)]) / Y.sum(axis=0)
    return float(np.abs(shares - 1 / folds).mean())


def test_tags_and_pairs_of_tags_are_more_even_than_at_random():
    rng = np.random.default_rng(0)
    Y = rng.random((400, 12)) < rng.uniform(0.02, 0.4, 12)
    pairs = np.column_stack([Y[:, i] & Y[:, j] for i in range(12) for j in range(i)])
    pairs = pairs[:, pairs.sum(axis=0) >= 10]
    made = iterative_stratification(Y, np.arange(400), [0.2] * 5)
    random = rng.permutation(np.arange(400) % 5)
    assert unevenness(Y, made) < 0.3 * unevenness(Y, random)
    assert unevenness(pairs, made) < 0.5 * unevenness(pairs, random)
    assert np.bincount(made).min() > 70
    assert (iterative_stratification(Y, np.arange(400), [0.2] * 5) == made).all(), "the seed decides"


def test_shares_may_differ_and_tracks_without_tags_are_placed_too():
    Y = np.zeros((100, 2), dtype=bool)
    Y[:40, 0] = True
    side = iterative_stratification(Y, np.arange(100), [0.25, 0.75])
    assert (side == 0).sum() == 25
    assert Y[side == 0].sum() == 10


def test_artists_stay_on_one_side():
    table = made_up_tags()
    groups = find_groups(table)
    made, _ = tag_plan(table, groups, Settings())
    assert made.protocol == "cv-artist"
    for fold in made.folds:
        assert not set(groups.artists[fold.train]) & set(groups.artists[fold.test])
        assert (table.tags.matrix[fold.test].sum(axis=0) > 0).all()
    assert sorted(np.concatenate([fold.test for fold in made.folds])) == list(range(len(table)))


@pytest.mark.parametrize("protocol", ["cv-random", "holdout", "holdout-artist"])
def test_other_protocols_make_folds(protocol):
    table = made_up_tags()
    made, _ = tag_plan(table, find_groups(table), Settings(), protocol)
    assert made.protocol == protocol


def test_the_official_split_is_kept_and_what_makes_no_sense_is_refused():
    table = made_up_tags()
    groups = find_groups(table)
    with pytest.raises(RequestError, match="no column 'split'"):
        tag_plan(table, groups, Settings(), "split")
    split = np.where(np.arange(len(table)) < 120, "train", "test")
    table = table.with_frame(table.frame.assign(split=split), table.features)
    made, notes = tag_plan(table, groups, Settings(group=False), "split")
    assert made.folds[0].test.tolist() == list(range(120, 160))
    assert len(made.folds[0].train) == 120
    assert "training tracks are left out" in "".join(tag_plan(table, groups, Settings(), "split")[1] + notes)
    with pytest.raises(RequestError, match="unknown protocol of tags 'study'"):
        tag_plan(table, groups, Settings(), "study")
    with pytest.raises(RequestError, match="folds=1"):
        folds_of_tags(table.tags.matrix, groups.artists, folds=1)
