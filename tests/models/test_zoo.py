"""The zoo: one registry, cheap to list, every entry of ours a scikit-learn classifier in full."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up_table
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid
from sklearn.utils.estimator_checks import parametrize_with_checks

from genreclf.errors import RequestError
from genreclf.models import MODELS, STUDY_MODELS, build, is_baseline, spec
from genreclf.models.catboost import _share_of_features

_CHEAP = {"n_estimators": 5, "iterations": 10, "max_iter": 20}

_CORE = [name for name, entry in MODELS.items() if not (entry.extra or entry.series)]


def _cheap(name):
    classifier = spec(name).factory(0)
    if name in ("svc", "logreg"):
        return classifier
    return classifier.set_params(**{k: v for k, v in _CHEAP.items() if k in classifier.get_params()})


def _ours():
    """The classifiers that scikit-learn does not check itself."""
    every = [_cheap(name) for name in _CORE]
    return [classifier for classifier in every if not type(classifier).__module__.startswith("sklearn.")]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(_ours())
def test_classifiers_pass_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", _CORE)
def test_models_clone_seed_and_predict_object_labels(name):
    table = made_up_table(tracks=60)
    model = clone(build(name, seed=3)).set_params(
        **{f"model__{k}": v for k, v in _cheap(name).get_params().items() if k in _CHEAP}
    )
    first = model.fit(table.X, table.y).predict(table.X)
    again = clone(model).fit(table.X, table.y).predict(table.X)
    assert first.shape == (60,)
    assert set(first) <= set(table.genres)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if entry.space])
def test_search_spaces_name_parameters_that_the_pipeline_has(name):
    parameters = build(name).get_params()
    for grid in spec(name).grid:
        assert set(grid) <= set(parameters)
        assert all(grid.values())


def test_no_parameter_is_searched_where_it_has_no_effect():
    candidates = list(ParameterGrid(spec("svc").grid))
    assert len(candidates) == 6 * (2 * 4 + 1)
    assert all(("model__gamma" in each) == (each["model__kernel"] != "linear") for each in candidates)
    assert list(ParameterGrid(replace(spec("svc"), space={"C": (1, 3)}).grid)) == [{"model__C": 1}, {"model__C": 3}]


def test_the_studys_parameters_hold_on_the_studys_columns_and_the_scaler_clips_for_kernels_alone():
    study, wide = np.zeros(185, dtype=int), np.zeros(856, dtype=int)
    for name, entry in MODELS.items():
        plain = build(name).get_params()
        by_family = {"model__families": (0,) * 185} if entry.by_family else {}
        assert str(build(name, families=study)) == str(build(name).set_params(**by_family))
        different = {key for key, value in build(name, families=wide).get_params().items() if value != plain.get(key)}
        assert {"model__max_features", "model__max_bins", "model__families"} >= different - {"model", "scale", "steps"}
        assert ("model__max_features" in different) == (name == "gb")
        assert ("model__max_bins" in different) == (name == "histgb")
        assert plain.get("scale__limit") == (4 if name == "kernels" else None)


def test_catboost_tries_no_more_features_of_a_wide_table_than_of_the_studys():
    assert _share_of_features(200, 185) == 0.2
    assert _share_of_features(200, 856) == pytest.approx(0.2 * 185 / 856)
    assert _share_of_features(8000, 57) == 1
    assert _share_of_features(8000, 856) == pytest.approx(185 / 856)


def test_the_study_reported_the_five_models_and_baselines_stand_apart():
    assert STUDY_MODELS == ("svc", "rf", "gb", "logreg", "catboost")
    assert [name for name in MODELS if is_baseline(name)] == ["most_frequent", "stratified"]


def test_an_unknown_model_is_refused_with_the_choices():
    with pytest.raises(RequestError, match="unknown model 'svm'; choose from svc, rf, gb"):
        build("svm")


def test_listing_the_models_loads_neither_scikit_learn_nor_catboost():
    code = "import sys, genreclf.models; print([m for m in ('sklearn', 'catboost', 'numpy') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert run.stdout.strip() == "[]"


def test_catboost_without_a_penalty_bears_genres_that_lie_apart():
    rng = np.random.default_rng(0)
    y = np.repeat(np.array(["near", "far"], dtype=object), 40)
    X = rng.normal(size=(80, 20)) + 8.0 * (y == "far")[:, None]
    assert (build("catboost").fit(X, y).predict(X) == y).all()
