"""Calibration: probabilities that sum to one and mean something, from a model whose answers stay what they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up import made_up_table
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

from genreclf.evaluation.folds import inner_folds
from genreclf.models import build
from genreclf.models.calibration import (
    METHODS,
    base_estimator,
    class_scores,
    couple,
    fit_calibrated,
    has_probabilities,
    pair_margins,
    predictions,
    transformed,
    venn_abers,
)

scores = arrays(float, (30, 3), elements=st.floats(-30, 30))
codes = np.arange(30) % 3


@pytest.fixture(scope="module")
def data():
    everything = made_up_table(tracks=480)
    table, fresh = everything.take(np.arange(240)), everything.take(np.arange(240, 480))
    artists = np.unique(table.groups, return_inverse=True)[1]
    return table, fresh, inner_folds(table.y, np.arange(len(table)), artists).pairs()


@pytest.mark.parametrize("name", ["svc", "kernels", "logreg"])
def test_a_calibrated_model_answers_as_before_and_gives_probabilities(data, name):
    table, fresh, folds = data
    model, held_out = fit_calibrated(build(name), table.X, table.y, folds)
    assert has_probabilities(model)
    shares = model.predict_proba(fresh.X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert log_loss(fresh.y, shares) < np.log(3)
    plain = build(name).fit(table.X, table.y)
    np.testing.assert_array_equal(base_estimator(model).predict(fresh.X), plain.predict(fresh.X))
    np.testing.assert_allclose(held_out.probabilities.sum(axis=1), 1.0)
    assert (held_out.uncalibrated is not None) == has_probabilities(plain)


def test_held_out_predictions_are_those_of_models_that_did_not_see_the_track(data):
    table, _, folds = data
    _, held_out = fit_calibrated(build("svc"), table.X, table.y, folds)
    train, test = folds[0]
    y_pred = build("svc").fit(table.X[train], table.y[train]).predict(table.X[test])
    np.testing.assert_array_equal(np.array(table.genres)[held_out.y_pred[test]], y_pred)


@pytest.mark.parametrize("name", ["svc", "kernels"])
@pytest.mark.parametrize("genres", [2, 3])
def test_a_positive_margin_speaks_for_the_first_class_of_a_pair(data, name, genres):
    table = data[0]
    table = table.take(np.isin(table.y, table.genres[:genres]))
    model = build(name).fit(table.X, table.y)
    margins = pair_margins(model[-1], transformed(model, table.X))
    assert margins.shape == (len(table), genres * (genres - 1) // 2)
    for_first = table.y[margins[:, 0] > 0]
    assert (for_first == table.genres[0]).mean() > 0.5 > (for_first == table.genres[1]).mean()


@pytest.mark.parametrize("name", ["sigmoid", "venn-abers", "temperature"])
@settings(max_examples=20)
@given(scores=scores, fresh=scores)
def test_any_scores_become_probabilities(name, scores, fresh):
    method = METHODS[name]
    shares = method.apply(fresh, method.fit(scores, codes, 3))
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


@settings(max_examples=20)
@given(scores=scores, fresh=scores)
def test_a_temperature_keeps_the_order_of_the_classes(scores, fresh):
    method = METHODS["temperature"]
    shares = method.apply(fresh, method.fit(scores, codes, 3))
    rows = np.arange(30)
    assert (shares[rows, fresh.argmax(axis=1)] >= shares.max(axis=1) - 1e-12).all()


def test_a_temperature_finds_the_one_that_made_the_labels():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 4))
    drawn = (logits / 0.5 + rng.gumbel(size=logits.shape)).argmax(axis=1)
    (slope,) = METHODS["temperature"].fit(logits, drawn, 4)[0]
    assert slope == pytest.approx(2, rel=0.05)


def test_a_temperature_leaves_doubt_where_the_classes_are_few_tracks_that_are_all_right():
    method = METHODS["temperature"]
    certain = 30.0 * np.eye(3)[codes]
    shares = method.apply(certain, method.fit(certain, codes, 3))
    np.testing.assert_allclose(shares.max(axis=1), 11 / 12, rtol=1e-3)


@settings(max_examples=20)
@given(arrays(int, 20, elements=st.integers(-5, 5)), arrays(bool, 20))
def test_venn_abers_merges_the_isotonic_regressions_with_the_track_in_either_class(values, positive):
    points, p = venn_abers(values.astype(float), positive)
    np.testing.assert_array_equal(points, np.unique(values))
    for point, merged in zip(points, p, strict=True):
        among = np.append(values, point)
        low, high = (
            IsotonicRegression().fit(among, np.append(positive, label)).predict([point])[0] for label in (0, 1)
        )
        assert merged == pytest.approx(high / (1 - low + high))


def test_of_many_scores_venn_abers_keeps_some_points_and_finds_the_probabilities_that_made_the_labels():
    rng = np.random.default_rng(0)
    values = rng.normal(size=20_000)
    points, p = venn_abers(values, rng.random(20_000) < 1 / (1 + np.exp(-2 * values)))
    assert 100 < len(points) <= 128
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-2 * points)), atol=0.06)


def test_probabilities_are_the_mean_of_those_by_each_method(data):
    table, fresh, folds = data
    model, _ = fit_calibrated(build("logreg"), table.X, table.y, folds)
    assert model.method == "temperature+sigmoid+venn-abers"
    Z = transformed(model.estimator, fresh.X)
    scores, left = class_scores(model.estimator[-1], Z), list(model.parameters)
    each = []
    for name, arrays_of in (("temperature", 1), ("sigmoid", 2), ("venn-abers", 6)):
        each.append(METHODS[name].apply(scores, left[:arrays_of]))
        del left[:arrays_of]
    np.testing.assert_allclose(model.predict_proba(fresh.X), np.mean(each, axis=0))
    y_pred, shares = predictions(model, fresh.X)
    np.testing.assert_array_equal(y_pred, model.predict(fresh.X))
    np.testing.assert_array_equal(shares, model.predict_proba(fresh.X))


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6))
def test_consistent_pairs_couple_to_the_probabilities_that_they_come_from(weights):
    p = np.array(weights) / sum(weights)
    first, second = np.triu_indices(len(p), 1)
    np.testing.assert_allclose(couple((p[first] / (p[first] + p[second]))[None])[0], p, atol=1e-4)


@given(arrays(float, (5, 6), elements=st.floats(0, 1)))
def test_any_pairs_couple_to_probabilities(pairs):
    shares = couple(pairs)
    assert shares.shape == (5, 4)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
