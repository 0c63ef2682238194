"""Imputation: scikit-learn's own medians, in a step that model files can hold."""

import dataclasses

import numpy as np
import pytest
from made_up import made_up_table
from sklearn.impute import SimpleImputer
from sklearn.utils.estimator_checks import parametrize_with_checks

from genreclf.classifier import Predictor
from genreclf.errors import RequestError
from genreclf.models.bundle.bundle import Bundle
from genreclf.models.calibration import base_estimator
from genreclf.models.imputation import MedianImputer
from genreclf.training import train


@parametrize_with_checks([MedianImputer()])
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_medians_are_those_of_scikit_learn_and_an_empty_column_is_zero():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:, 2] = np.nan
    theirs = SimpleImputer(strategy="median", keep_empty_features=True).fit(X)
    ours = MedianImputer().fit(X)
    np.testing.assert_array_equal(ours.medians_, theirs.statistics_)
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))


@pytest.fixture
def incomplete():
    table = made_up_table()
    frame = table.frame.copy()
    frame.loc[[1, 5, 7], table.features[0]] = np.nan
    return dataclasses.replace(table, frame=frame)


@pytest.mark.parametrize("model", ["logreg", "svc"])
def test_a_model_trained_on_empty_cells_is_stored_with_its_medians(incomplete, tmp_path, model):
    bundle = train(incomplete, model=model)
    bundle.save(tmp_path / "model")
    again = Bundle.load(tmp_path / "model")
    expected = Predictor(bundle).predict_table(incomplete)
    assert Predictor(again).predict_table(incomplete).equals(expected)
    filled = incomplete.frame.assign(**{incomplete.features[0]: incomplete.filled[:, 0]})
    full = dataclasses.replace(incomplete, frame=filled)
    assert Predictor(again).predict_table(full).equals(expected)


def test_a_model_without_medians_takes_no_empty_cells_and_has_no_further_step(incomplete):
    bundle = train(made_up_table(), model="histgb")
    assert list(base_estimator(bundle.estimator).named_steps) == ["scale", "model"]
    with pytest.raises(RequestError, match="track 't00001' has no value in column 'mfcc_mean_01'"):
        Predictor(bundle).predict_table(incomplete)


def test_a_stored_model_with_broken_medians_is_refused(incomplete, tmp_path):
    bundle = train(incomplete, model="logreg")
    base_estimator(bundle.estimator).named_steps["impute"].medians_[0] = np.nan
    with pytest.raises(RequestError, match="medians_ with a value that is not a finite number"):
        bundle.save(tmp_path / "model")
