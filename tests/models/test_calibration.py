"""Calibration: probabilities that sum to one and mean something, from a model whose answers stay what they were."""

import numpy as np
from made_up import made_up_table
from sklearn.metrics import log_loss

from genreclf.evaluation.folds import inner_folds
from genreclf.models import build
from genreclf.models.calibration import base_estimator, fit_calibrated, has_probabilities


def test_a_calibrated_model_answers_as_before_and_gives_probabilities():
    everything = made_up_table(tracks=480)
    table, fresh = everything.take(np.arange(240)), everything.take(np.arange(240, 480))
    artists = np.unique(table.groups, return_inverse=True)[1]
    folds = inner_folds(table.y, np.arange(len(table)), artists).pairs()
    assert not has_probabilities(build("svc"))
    model = fit_calibrated(build("svc"), table.X, table.y, folds)
    assert has_probabilities(model)
    shares = model.predict_proba(fresh.X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert log_loss(fresh.y, shares) < np.log(3)
    plain = build("svc").fit(table.X, table.y)
    np.testing.assert_array_equal(base_estimator(model).predict(fresh.X), plain.predict(fresh.X))


def test_a_calibrated_model_keeps_no_row_numbers():
    table = made_up_table()
    folds = inner_folds(table.y, np.arange(len(table)), folds=3).pairs()
    assert fit_calibrated(build("svc"), table.X, table.y, folds).cv == 3
