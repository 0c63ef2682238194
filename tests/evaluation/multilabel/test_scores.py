"""Scores of tags: scikit-learn's on the same arrays, and influences that are derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    label_ranking_average_precision_score,
    roc_auc_score,
)

from genreclf.evaluation.multilabel.scores import (
    TagScores,
    average_precision,
    f1,
    label_ranking_average_precision,
    macro,
    precision_at,
    roc_auc,
)

ONE_FOLD = np.zeros(60, dtype=int)


def drawn(seed, *, tags=5, tied=False):
    rng = np.random.default_rng(seed)
    Y = rng.random((60, tags)) < 0.3
    scores = rng.normal(size=Y.shape) + Y
    return Y, np.round(scores) if tied else scores


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_scikit_learn(seed, tied):
    Y, scores = drawn(seed, tied=tied)
    Y[0], Y[1] = False, True
    for y, score in zip(Y.T, scores.T, strict=True):
        assert roc_auc(y, score, ONE_FOLD).value == pytest.approx(roc_auc_score(y, score), abs=1e-12)
        assert average_precision(y, score, ONE_FOLD).value == pytest.approx(
            average_precision_score(y, score), abs=1e-12
        )
        assert f1(y, score > 0.5).value == pytest.approx(f1_score(y, score > 0.5), abs=1e-12)
    assert f1(Y, scores > 0.5).value == pytest.approx(f1_score(Y, scores > 0.5, average="micro"), abs=1e-12)
    expected = label_ranking_average_precision_score(Y, scores)
    assert label_ranking_average_precision(Y, scores).value == pytest.approx(expected, abs=1e-12)


def test_precision_at_k_counts_the_tags_ranked_highest():
    Y = np.array([[True, False, False], [False, True, True]])
    scores = np.array([[0.9, 0.8, 0.1], [0.9, 0.2, 0.3]])
    assert precision_at(Y, scores, 1).value == 0.5
    assert precision_at(Y, scores, 2).value == 0.5
    assert precision_at(Y, scores, 3).value == 0.5


@pytest.mark.parametrize("formula", [roc_auc, average_precision])
@pytest.mark.parametrize("tied", [False, True])
def test_an_influence_is_the_derivative_by_a_track_s_weight(formula, tied):
    Y, scores = drawn(7, tags=1, tied=tied)
    y, score = Y[:, 0], scores[:, 0]
    fold = np.arange(60) % 3
    part = formula(y, score, fold)
    assert part.influence.sum() == pytest.approx(0, abs=1e-12)
    # A track that stands there a thousand and one times where the others stand a thousand times.
    for row in (0, 17, 40):
        copies = np.append(np.repeat(np.arange(60), 1000), row)
        change = formula(y[copies], score[copies], fold[copies]).value - part.value
        assert change * 1000 == pytest.approx(part.influence[row], rel=0.01, abs=1e-6)


def test_tracks_are_compared_within_a_fold_so_that_the_prior_is_worth_a_half():
    y = np.array([True, False, False, False, True, True, True, False])
    fold = np.repeat([0, 1], 4)
    prior = np.where(fold == 0, 0.75, 0.25)  # trained on the other fold
    assert roc_auc(y, prior, fold).value == 0.5
    assert roc_auc_score(y, prior) < 0.5


def test_a_fold_without_the_tag_does_not_count():
    y = np.array([True, False, True, False, False, False])
    score = np.array([0.9, 0.1, 0.8, 0.2, 0.99, 0.98])
    fold = np.array([0, 0, 0, 0, 1, 1])
    for formula in (roc_auc, average_precision):
        assert formula(y, score, fold).value == 1.0
        assert np.isnan(formula(np.zeros(6, dtype=bool), score, fold).value)


def test_the_interval_of_a_macro_score_goes_by_artists():
    Y, scores = drawn(1, tags=3)
    fold, testable = ONE_FOLD, np.ones(Y.shape, dtype=bool)

    def width(groups):
        found = TagScores(Y, fold, testable, groups, trained=False).by_tag(scores, scores > 0)
        low, high = macro(found["roc_auc"]).interval
        return high - low

    # Copies of a track are one artist's, and tell no more than the track.
    Y, scores, fold, testable = (np.repeat(part, 4, axis=0) for part in (Y, scores, fold, testable))
    assert width(np.repeat(np.arange(60), 4)) > 1.7 * width(np.arange(240))
