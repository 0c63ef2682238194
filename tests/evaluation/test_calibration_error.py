"""The debiased calibration error is about 0 for a calibrated model, and its interval holds the truth."""

import numpy as np
import pytest

from genreclf.evaluation.calibration_error import calibration_error


def _draw(rng, n, sharpness=1.0, artists=None):
    scores = 1.3 * rng.normal(size=(n, 4))
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = (true.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    given = np.exp(sharpness * scores)
    given /= given.sum(axis=1, keepdims=True)
    groups = np.arange(n) if artists is None else np.arange(n) % artists
    return given.max(axis=1), given.argmax(axis=1) == y, groups


@pytest.mark.parametrize("sharpness", [1.0, 1.5, 2.5])
def test_the_interval_holds_the_error_of_very_many_tracks(sharpness):
    rng = np.random.default_rng(0)
    truth = calibration_error(*_draw(rng, 200_000, sharpness))[0]
    found = [calibration_error(*_draw(rng, 300, sharpness, artists=100))[1:] for _ in range(800)]
    held = np.mean([low - 0.002 <= truth <= high for low, high in found])
    assert held >= 0.93


def test_a_calibrated_model_of_many_tracks_has_no_error():
    assert calibration_error(*_draw(np.random.default_rng(1), 100_000))[0] < 0.01


def test_certainty_that_is_always_wrong_is_an_error_of_one():
    assert calibration_error(np.ones(40), np.zeros(40, dtype=bool), np.arange(40)) == pytest.approx((1, 1, 1))
