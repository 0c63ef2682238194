"""Averages over segments: scikit-learn's own logistic regression is the yardstick, and length changes no weight."""

from __future__ import annotations

import numpy as np
import pytest
from made_series import made_up_arrays, made_up_series
from made_up import made_up_table
from sklearn.linear_model import LogisticRegression

import genreclf
from genreclf.errors import RequestError
from genreclf.export.methods import methods
from genreclf.models import MODELS
from genreclf.models.pooling import pooled
from genreclf.models.segments import PooledLogistic, SegmentVote, segments_of
from genreclf.series import Series, series_of_arrays

Y = np.arange(90) % 3


def series(*, seed: int = 0, rate: float = 1 / 3, ordered: bool = False) -> Series:
    return series_of_arrays("made", made_up_arrays(Y, seed=seed, ordered=ordered), frame_rate=rate)


def test_segments_are_frames_or_their_means_and_standard_deviations() -> None:
    frames = np.random.default_rng(0).normal(size=(11, 2)).astype(np.float16)
    np.testing.assert_array_equal(segments_of(frames, 1), frames.astype(np.float32))
    found = segments_of(frames, 4)  # of the three frames that are left, more than half of four
    assert found.shape == (3, 4)
    plain = frames.astype(np.float64)
    np.testing.assert_allclose(found[1], np.r_[plain[4:8].mean(axis=0), plain[4:8].std(axis=0)], rtol=1e-5)
    np.testing.assert_allclose(found[2], np.r_[plain[8:].mean(axis=0), plain[8:].std(axis=0)], rtol=1e-5)
    assert len(segments_of(frames, 10)) == 1
    assert len(segments_of(frames, 99)) == 1


@pytest.mark.parametrize("held", [True, False])
def test_votes_are_those_of_scikit_learn_with_a_weight_for_each_segment(
    held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not held:
        monkeypatch.setattr("genreclf.models.segments._HELD_BYTES", 0)
    X, new = series(), series(seed=1)
    model = SegmentVote(C=0.3).fit(X, Y)
    segments = np.concatenate(list(X)).astype(np.float64)
    weight = np.repeat(1 / X.lengths, X.lengths)
    mean = np.average(segments, axis=0, weights=weight)
    std = np.sqrt(np.average((segments - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(model.mean_, mean, atol=1e-5)
    np.testing.assert_allclose(model.scale_, std, rtol=1e-5)
    plain = LogisticRegression(C=0.3, tol=1e-8, max_iter=1000)
    plain.fit((segments - mean) / std, np.repeat(Y, X.lengths), sample_weight=weight)
    voted = [plain.predict_proba((frames - mean) / std).mean(axis=0) for frames in new]
    np.testing.assert_allclose(model.predict_proba(new), voted, atol=2e-3)
    np.testing.assert_allclose(model.predict_proba(new).sum(axis=1), 1.0)
    assert (model.predict(new) == np.argmax(voted, axis=1)).mean() > 0.98


def test_a_track_counts_once_however_long_it_is() -> None:
    """A track whose frames are repeated is a track as before."""
    arrays = made_up_arrays(Y)
    again = [np.repeat(array, 1 + number % 5, axis=0) for number, array in enumerate(arrays)]
    one, other = (series_of_arrays("made", a, frame_rate=1 / 3) for a in (arrays, again))
    for model in (SegmentVote(), PooledLogistic()):
        found = model.fit(one, Y).predict_proba(one)
        np.testing.assert_allclose(model.fit(other, Y).predict_proba(other), found, atol=2e-3)


def test_pooled_series_are_means_and_standard_deviations() -> None:
    X = series()
    plain = np.array([np.r_[frames.astype(float).mean(axis=0), frames.astype(float).std(axis=0)] for frames in X])
    np.testing.assert_allclose(pooled(X), plain, rtol=1e-3, atol=1e-4)
    assert (PooledLogistic().fit(X, Y).predict(X) == Y).mean() > 0.9


def test_averages_do_not_see_the_order_of_segments() -> None:
    y = np.arange(200) % 2
    X, new = (series_of_arrays("made", made_up_arrays(y, ordered=True, seed=0), frame_rate=1 / 3)[half]
              for half in (slice(100), slice(100, None)))  # fmt: skip
    for name in ("segments", "pooled"):
        assert MODELS[name].build(0).fit(X, y[:100]).score(new, y[100:]) < 0.65


def test_one_command_compares_models_of_series_with_models_of_features() -> None:
    table = made_up_table(spread=0.0, artist_spread=0.0)  # features of noise, and series that tell
    made = made_up_series(table)
    options = {"protocol": "cv-artist", "repeats": 1, "draws": 50, "series": made}
    comparison = genreclf.benchmark(table, models=["logreg", "segments", "pooled"], **options)
    scores = comparison.scores.set_index("model")["macro_f1"]
    assert scores["segments"] > 0.9
    assert scores["pooled"] > 0.9
    assert scores["logreg"] < 0.6
    tests = comparison.tests.set_index("model").loc["logreg"]
    assert (tests["best"] == "segments").all()
    assert (tests["p_value"] < 0.05).all()
    assert comparison.run["series"] == made.described() | {"models": ["segments", "pooled"]}
    sees = (
        "Mean over segments and Pooled series see the made series of each track instead: 4 values a frame, 0.333 frames"
    )
    assert sees in methods(comparison)
    assert comparison.run["series"]["frames"] == {"fewest": 8, "median": 12.5, "most": 16}
    with pytest.raises(RequestError, match="made-up: not read from a file, so no series are beside it"):
        genreclf.benchmark(table, models="pooled")
    with pytest.raises(RequestError, match="no made series of 60 of 120 tracks, 't00060' the first"):
        genreclf.benchmark(table, models="pooled", series=made[:60])
    with pytest.raises(RequestError, match="no model that is named takes series; leave out `series`, or add one of"):
        genreclf.benchmark(table, models="logreg", series=made)
