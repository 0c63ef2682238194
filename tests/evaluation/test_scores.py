"""Scores equal those of scikit-learn and those worked by hand; intervals hold the truth as often as they say."""

import numpy as np
import pytest
from sklearn import metrics

from genreclf.evaluation.probability_scores import (
    brier,
    log_loss,
    reliability,
    roc_auc,
    score_probabilities,
    within_top,
)
from genreclf.evaluation.scores import SCORES, f1_by_genre, macro_f1, score, score_genres
from genreclf.evaluation.uncertainty import Counts, Jackknife, count


def _labels_and_predictions(seed, tracks=200, genres=4, right=0.6):
    rng = np.random.default_rng(seed)
    y = rng.integers(genres, size=tracks)
    y_pred = np.where(rng.random(tracks) < right, y, rng.integers(genres, size=tracks))
    return y, y_pred


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_scikit_learns(seed):
    y, y_pred = _labels_and_predictions(seed)
    counts = count(y, y_pred, 4)
    expected = {
        "macro_f1": metrics.f1_score(y, y_pred, average="macro"),
        "accuracy": metrics.accuracy_score(y, y_pred),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, y_pred),
        "macro_precision": metrics.precision_score(y, y_pred, average="macro"),
        "macro_recall": metrics.recall_score(y, y_pred, average="macro"),
        "matthews_correlation": metrics.matthews_corrcoef(y, y_pred),
    }
    assert expected.keys() == SCORES.keys()
    for name, value in expected.items():
        assert float(SCORES[name](counts)) == pytest.approx(value, abs=1e-12)


def test_a_genre_that_is_neither_asked_for_nor_said_does_not_count():
    y, y_pred = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert float(macro_f1(count(y, y_pred, 3))) == pytest.approx(metrics.f1_score(y, y_pred, average="macro"))


def test_a_table_worked_by_hand():
    counts = Counts(hits=np.array([3.0, 4.0]), true=np.array([4.0, 6.0]), predicted=np.array([5.0, 5.0]))
    np.testing.assert_allclose(f1_by_genre(counts), [6 / 9, 8 / 11])
    assert float(macro_f1(counts)) == pytest.approx((6 / 9 + 8 / 11) / 2)


def test_scores_are_means_over_repeats():
    y, y_pred = _labels_and_predictions(1)
    jackknife = Jackknife.over(y, np.arange(200), 4)
    both, one = score([y_pred, y], jackknife), score([y_pred], jackknife)
    assert both["macro_f1"] == pytest.approx((one["macro_f1"] + 1) / 2)
    assert one["macro_f1_low"] < one["macro_f1"] < one["macro_f1_high"]
    assert -1 <= one["matthews_correlation_low"] < one["matthews_correlation_high"] <= 1


def test_genre_scores_have_a_line_a_genre():
    y, y_pred = _labels_and_predictions(2)
    rows = score_genres([y_pred], ("a", "b", "c", "d"), Jackknife.over(y, np.arange(200), 4))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(y, y_pred)
    for k, row in enumerate(rows):
        assert row["support"] == support[k]
        assert (row["precision"], row["recall"], row["f1"]) == pytest.approx((precision[k], recall[k], f1[k]))
        assert row["f1_low"] <= row["f1"] <= row["f1_high"]


def _probabilities(seed, tracks=150, genres=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(genres, size=tracks)
    scores = rng.normal(size=(tracks, genres)) + 1.5 * np.eye(genres)[y]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return y, np.round(shares[:, :-1], 2)  # rounded, so that there are ties


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_probabilities_are_scikit_learns(seed):
    y, shares = _probabilities(seed)
    shares = np.c_[shares, 1 - shares.sum(axis=1)]
    found = score_probabilities([shares], [shares.argmax(axis=1)], Jackknife.over(y, np.arange(len(y)) // 2, 3))
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, shares, multi_class="ovr"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, shares))
    assert found["brier_score"] == pytest.approx(metrics.brier_score_loss(y, shares, scale_by_half=False))
    assert "top_3_accuracy" not in found
    for name in ("roc_auc", "log_loss", "brier_score", "top_2_accuracy"):
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]


def test_top_accuracies_are_scikit_learns():
    y, shares = _probabilities(0, genres=5)
    shares = np.c_[shares, 1 - shares.sum(axis=1)] + np.arange(5) * -1e-9  # no ties, which each counts its own way
    for k in (2, 3):
        assert within_top(y, shares, k).mean() == pytest.approx(metrics.top_k_accuracy_score(y, shares, k=k))


def test_the_standard_error_of_auc_is_delongs():
    """Placements worked the slow way, for two genres of single tracks, where both areas are the same."""
    rng = np.random.default_rng(1)
    y = np.arange(60) % 2
    given = rng.normal(size=60) + y
    shares = np.c_[-given, given]
    wins = (given[y == 1][:, None] > given[y == 0]).astype(float)
    variance = wins.mean(axis=1).var(ddof=1) / 30 + wins.mean(axis=0).var(ddof=1) / 30
    found = roc_auc(shares, Jackknife.over(y, np.arange(60), 2))
    assert found.value == pytest.approx(wins.mean())
    assert found.standard_error == pytest.approx(np.sqrt(variance), rel=0.03)


def test_perfect_probabilities_score_one_nought_and_nought():
    y = np.arange(30) % 3
    found = score_probabilities([np.eye(3)[y]], [y], Jackknife.over(y, np.arange(30), 3))
    assert (found["roc_auc"], found["log_loss"], found["brier_score"]) == pytest.approx((1, 0, 0), abs=1e-9)
    assert found["calibration_error"] == pytest.approx(0, abs=1e-9)
    assert log_loss(y, np.eye(3)[y]).max() == pytest.approx(0, abs=1e-9)
    assert brier(y, np.eye(3)[(y + 1) % 3]).tolist() == [2.0] * 30


def test_reliability_bins_hold_all_tracks():
    confidence = np.linspace(0.05, 1.0, 200)
    found = reliability(confidence, np.random.default_rng(0).random(200) < confidence)
    assert sum(b.tracks for b in found.bins) == 200
    assert all(b.low <= b.right <= b.high for b in found.bins)
    assert found.error < 0.1
