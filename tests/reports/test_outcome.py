import numpy as np
import pytest
from made_comparisons import known_comparison, made_up_comparison

from genreclf.evaluation.probability_scores import reliability, reliability_of
from genreclf.reports.outcome import confusion_of, misclassified_tracks, model_columns, track_names


def test_confusion_counts_rows_by_genre_and_columns_by_prediction():
    confusion = confusion_of(known_comparison(), "svc")
    assert confusion.genres == ("folk", "jazz", "metal")
    assert confusion.counts.tolist() == [[9, 1, 0], [4, 6, 0], [0, 0, 10]]
    assert confusion.shares[1].tolist() == [0.4, 0.6, 0.0]


def test_baselines_are_no_contenders():
    assert model_columns(known_comparison()) == ["svc", "rf"]


def test_tracks_that_all_models_misclassify_the_same_way_come_first():
    comparison = known_comparison()
    predictions = comparison.predictions.assign(
        svc=["folk", "folk", "folk", *comparison.predictions["genre"][3:]],
        rf=["metal", "folk", "jazz", *comparison.predictions["genre"][3:]],
    )
    tracks, total = misclassified_tracks(known_comparison(predictions=predictions))
    assert [track.track_id for track in tracks] == ["t1", "t0"]
    assert total == 2
    assert tracks[0].predictions == ("folk", "folk")


def test_tracks_are_called_by_artist_and_title_then_path_then_id():
    tracks = made_up_comparison().tracks.head(3).copy()
    tracks.loc[1, ["title"]] = None
    tracks.loc[2, ["title", "path"]] = None
    names = track_names(known_comparison(tracks=tracks))
    assert list(names.values()) == ["Artist 0 \u2013 Song number 0", tracks["path"][1], "t00002"]


def test_a_model_that_means_what_it_says_has_no_calibration_error():
    right = np.repeat([True, False, True, False], [80, 20, 60, 40])
    measured = reliability(np.repeat([0.8, 0.6], [100, 100]), right)
    assert measured.error == pytest.approx(0)
    assert [(part.tracks, round(part.right, 3)) for part in measured.bins] == [(100, 0.6), (100, 0.8)]


def test_overconfidence_is_the_distance_from_what_comes_true():
    measured = reliability(np.full(200, 0.95), np.repeat([True, False], [100, 100]))
    assert measured.error == pytest.approx(0.45, abs=0.002)
    # Wilson's interval of 100 among 200, from the formula of 1927.
    assert (measured.bins[0].low, measured.bins[0].high) == pytest.approx((0.4313, 0.5687), abs=1e-4)


def test_reliability_joins_probabilities_to_the_right_tracks():
    comparison = made_up_comparison()
    shuffled = comparison.probabilities.sample(frac=1, random_state=1)
    same = known_comparison(scores=comparison.scores, predictions=comparison.predictions, probabilities=shuffled)
    assert reliability_of(same, "svc").error == pytest.approx(reliability_of(comparison, "svc").error)
    assert reliability_of(known_comparison(), "svc") is None
