"""Gradient boosting on threads gives scikit-learn's values to the last digit."""

import numpy as np
import pytest
from made_up import made_up_table
from sklearn.base import clone

from genreclf.models import build
from genreclf.models.boosting import ThreadedGradientBoosting, on_threads


@pytest.mark.parametrize("parameters", [{}, {"subsample": 1.0}, {"max_features": 2, "max_depth": 3}])
@pytest.mark.parametrize("genres", [2, 4])
def test_threads_change_no_value(genres, parameters):
    table = made_up_table(genres=genres)
    plain = build("gb").set_params(model__n_estimators=8, **{f"model__{k}": v for k, v in parameters.items()})
    threaded = on_threads(clone(plain), 3)
    assert type(threaded["model"]) is ThreadedGradientBoosting
    expected = plain.fit(table.X, table.y).predict_proba(table.X)
    np.testing.assert_array_equal(threaded.fit(table.X, table.y).predict_proba(table.X), expected)


def test_other_models_are_left_as_they_are():
    model = build("svc")
    before = model["model"]
    assert on_threads(model, 4)["model"] is before
