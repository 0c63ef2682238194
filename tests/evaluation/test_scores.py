"""Scores equal those of scikit-learn and those worked by hand; intervals hold the truth as often as they say."""

import numpy as np
import pytest
from sklearn import metrics

from genreclf.evaluation.bootstrap import Bootstrap, Estimate
from genreclf.evaluation.probability_scores import calibration_error, log_loss, roc_auc, score_probabilities
from genreclf.evaluation.scores import SCORES, confusion_counts, f1_by_genre, macro_f1, score, score_genres


def _labels_and_predictions(seed, tracks=200, genres=4, right=0.6):
    rng = np.random.default_rng(seed)
    y = rng.integers(genres, size=tracks)
    y_pred = np.where(rng.random(tracks) < right, y, rng.integers(genres, size=tracks))
    return y, y_pred


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_scikit_learns(seed):
    y, y_pred = _labels_and_predictions(seed)
    confusion = confusion_counts(y, y_pred, 4)
    expected = {
        "macro_f1": metrics.f1_score(y, y_pred, average="macro"),
        "accuracy": metrics.accuracy_score(y, y_pred),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, y_pred),
        "macro_precision": metrics.precision_score(y, y_pred, average="macro"),
        "macro_recall": metrics.recall_score(y, y_pred, average="macro"),
    }
    assert expected.keys() == SCORES.keys()
    for name, value in expected.items():
        assert float(SCORES[name](confusion)) == pytest.approx(value, abs=1e-12)


def test_a_genre_that_is_neither_asked_for_nor_said_does_not_count():
    y, y_pred = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert float(macro_f1(confusion_counts(y, y_pred, 3))) == pytest.approx(
        metrics.f1_score(y, y_pred, average="macro")
    )


def test_a_table_worked_by_hand():
    confusion = np.array([[3.0, 1.0], [2.0, 4.0]])
    np.testing.assert_allclose(f1_by_genre(confusion), [6 / 9, 8 / 11])
    assert float(macro_f1(confusion)) == pytest.approx((6 / 9 + 8 / 11) / 2)


def test_the_interval_is_that_of_scores_computed_draw_by_draw():
    y, y_pred = _labels_and_predictions(1, tracks=60)
    groups = np.arange(60) // 3
    bootstrap = Bootstrap.over(groups, draws=200, seed=5)
    found = score(y, y_pred, 4, bootstrap)
    slow = []
    for counts in bootstrap.counts.astype(int):
        rows = np.repeat(np.arange(60), counts[groups])
        slow.append(metrics.f1_score(y[rows], y_pred[rows], average="macro"))
    low, high = np.quantile(slow, [0.025, 0.975])
    assert found["macro_f1_low"] == pytest.approx(low, abs=1e-9)
    assert found["macro_f1_high"] == pytest.approx(high, abs=1e-9)


def test_a_draw_takes_as_many_groups_as_there_are():
    bootstrap = Bootstrap.over(np.array(["a", "a", "b", "c"]), draws=50, seed=0)
    assert bootstrap.counts.shape == (50, 3)
    np.testing.assert_array_equal(bootstrap.counts.sum(axis=1), 3)
    np.testing.assert_allclose(bootstrap.sums(np.array([1.0, 1.0, 5.0, 7.0])), bootstrap.counts @ [2.0, 5.0, 7.0])


def test_genre_scores_have_a_line_a_genre():
    y, y_pred = _labels_and_predictions(2)
    rows = score_genres(y, y_pred, ("a", "b", "c", "d"), Bootstrap.over(np.arange(200), draws=100))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(y, y_pred)
    for k, row in enumerate(rows):
        assert row["support"] == support[k]
        assert (row["precision"], row["recall"], row["f1"]) == pytest.approx((precision[k], recall[k], f1[k]))
        assert row["f1_low"] <= row["f1"] <= row["f1_high"]


def test_the_interval_of_macro_f1_holds_the_truth_93_to_97_times_in_a_hundred():
    """Simulated classifiers with known error rates, tracks of an artist sharing their luck."""
    rng = np.random.default_rng(0)
    genres, artists, tracks_of_artist, right = 3, 150, 3, 0.7
    held, trials = 0, 1000
    truth = right  # errors fall evenly on the other genres, so precision, recall and F1 are all `right`
    for trial in range(trials):
        y = np.repeat(np.arange(artists) % genres, tracks_of_artist)
        luck = np.repeat(rng.random(artists), tracks_of_artist)
        own = rng.random(len(y))
        hit = np.where(np.repeat(rng.random(artists) < 0.3, tracks_of_artist), luck, own) < right
        y_pred = np.where(hit, y, (y + rng.integers(1, genres, size=len(y))) % genres)
        groups = np.repeat(np.arange(artists), tracks_of_artist)
        found = score(y, y_pred, genres, Bootstrap.over(groups, draws=300, seed=trial))
        held += found["macro_f1_low"] <= truth <= found["macro_f1_high"]
    assert 0.93 <= held / trials <= 0.97


def _probabilities(seed, tracks=150, genres=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(genres, size=tracks)
    scores = rng.normal(size=(tracks, genres)) + 1.5 * np.eye(genres)[y]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return y, np.round(shares[:, :-1], 2)  # rounded, so that there are ties


@pytest.mark.parametrize("seed", range(3))
def test_auc_and_log_loss_are_scikit_learns_on_every_draw(seed):
    y, shares = _probabilities(seed)
    shares = np.c_[shares, 1 - shares.sum(axis=1)]
    bootstrap = Bootstrap.over(np.arange(len(y)) // 2, draws=70, seed=seed)
    areas, losses = roc_auc(y, shares, bootstrap), log_loss(y, shares, bootstrap)
    for draw in (0, 1, 65, 69):
        weights = bootstrap.counts[draw][bootstrap.groups]
        area = np.mean([metrics.roc_auc_score(y == k, shares[:, k], sample_weight=weights) for k in range(3)])
        assert areas[draw] == pytest.approx(area, abs=1e-6)
        assert losses[draw] == pytest.approx(metrics.log_loss(y, shares, sample_weight=weights), abs=1e-6)


def test_the_calibration_error_of_a_table_worked_by_hand():
    y = np.array([0, 0, 1, 0])
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    one = Bootstrap(np.zeros(4, dtype=int), np.ones((1, 1), dtype=np.float32))
    expected = (abs(2 - 2.7) + abs(0 - 0.6)) / 4
    assert calibration_error(y, shares, one)[0] == pytest.approx(expected)


def test_perfect_probabilities_score_one_nought_and_nought():
    y = np.arange(30) % 3
    found = score_probabilities(y, np.eye(3)[y], Bootstrap.over(np.arange(30), draws=50))
    assert (found["roc_auc"], found["log_loss"], found["calibration_error"]) == pytest.approx((1, 0, 0), abs=1e-9)


def test_an_interval_of_nothing_has_no_ends():
    assert np.isnan(Estimate(0.5, np.array([np.nan, np.nan])).interval).all()
