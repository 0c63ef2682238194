"""Fair comparisons: empty cells, class weights, search spaces and fit times treat all models alike."""

import dataclasses
import time

import numpy as np
import pytest
from made_up import made_up_table
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from genreclf.errors import RequestError
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.fitting import Data, Fit, fit_one
from genreclf.evaluation.folds import Fold
from genreclf.models import MODELS, ModelSpec
from genreclf.models.tuning import at_edges


@pytest.fixture(scope="module")
def table():
    return made_up_table(tracks=150, artist_spread=1.5)


@pytest.fixture(scope="module")
def incomplete(table):
    holes = np.random.default_rng(0).random((len(table), 2)) < 0.2
    frame = table.frame.copy()
    frame[list(table.features[:2])] = frame[list(table.features[:2])].mask(holes)
    return dataclasses.replace(table, frame=frame)


def test_empty_cells_take_the_medians_of_the_training_part(incomplete):
    found = benchmark(incomplete, models=("svc",), protocol="cv-random", draws=20)
    expected = np.empty(len(incomplete), dtype=object)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=42).split(incomplete.X, incomplete.y):
        plain = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), SVC(C=3))
        expected[test] = plain.fit(incomplete.X[train], incomplete.y[train]).predict(incomplete.X[test])
    assert list(found.predictions.set_index("track_id").loc[incomplete.ids, "svc"]) == list(expected)


def test_every_model_and_the_whole_report_take_empty_cells(incomplete):
    quick = [
        dataclasses.replace(MODELS["rf"], factory=lambda seed: MODELS["rf"].factory(seed).set_params(n_estimators=5))
    ]
    names = ("svc", *quick, "logreg", "histgb", "stratified")
    found = benchmark(incomplete, models=names, protocol="holdout", probabilities=True, ablate=True, draws=20)
    assert np.isfinite(found.ranking["macro_f1"]).all()
    assert np.isfinite(found.tracks[["map_x", "map_y"]].to_numpy()).all()
    assert len(found.retrieval)
    assert len(found.ablation)


def test_class_weights_are_given_to_all_that_take_some_and_the_others_are_named(table):
    rare = table.take((table.y != "genre0") | (np.arange(len(table)) % 4 == 0))
    models = ("svc", "logreg", "gb", "most_frequent")
    options = {"models": models, "protocol": "holdout", "draws": 20}
    plain, balanced, none = (benchmark(rare, class_weight=chosen, **options) for chosen in (None, "balanced", "none"))
    assert "`class_weight=balanced` has no effect on models that take no class weights: gb" in balanced.notes
    assert plain.predictions.equals(none.predictions)
    assert balanced.run["parameters"]["class_weight"] == "balanced"
    train = ~np.isin(rare.ids, plain.predictions["track_id"])
    tested = [list(rare.ids).index(name) for name in plain.predictions["track_id"]]
    model = make_pipeline(StandardScaler(), SVC(C=3, class_weight="balanced")).fit(rare.X[train], rare.y[train])
    assert list(balanced.predictions["svc"]) == list(model.predict(rare.X[tested]))
    with pytest.raises(RequestError, match="unknown class_weight 'even'; choose from balanced, none"):
        benchmark(rare, class_weight="even", **options)


def test_given_class_weights_are_not_searched():
    forest = MODELS["rf"].with_class_weight(None)
    assert forest.build().named_steps["model"].class_weight is None
    assert "class_weight" not in forest.space
    assert set(MODELS["rf"].space) - set(forest.space) == {"class_weight"}


def test_the_edges_of_a_grid_are_its_smallest_and_largest_numbers():
    space = {"C": (0.1, 1, 10), "gamma": ("scale", 0.01, 0.1, 1), "depth": (4, 6), "kernel": ("rbf", "linear")}
    chosen = {"C": 10, "gamma": "scale", "depth": 6, "kernel": "rbf"}
    assert at_edges(space, chosen) == {"C": 10}
    assert at_edges(space, chosen | {"C": 1, "gamma": 0.01}) == {"gamma": 0.01}
    assert at_edges(space, chosen | {"C": 1}) == {}


def test_a_best_value_at_the_edge_of_its_grid_is_noted(table):
    narrow = dataclasses.replace(MODELS["logreg"], space={"C": (1e-9, 2e-9, 1e-1)})
    found = benchmark(table, models=(narrow,), tune=True, protocol="cv-random", repeats=1, draws=20)
    assert "logreg: C=0.1 is at the edge of its grid; a wider one may do better (5 of 5 fits)" in found.notes


class Sleeper(SVC):
    """Takes long, and little of the processor."""

    def fit(self, X, y):
        time.sleep(0.5)
        return super().fit(X, y)


def test_fit_times_are_cpu_seconds_not_what_a_clock_on_the_wall_shows(table):
    rows = np.arange(len(table))
    codes = np.unique(table.y, return_inverse=True)[1]
    fit = Fit("holdout", 1, ModelSpec("sleeper", "Sleeper", lambda seed: Sleeper()), Fold(rows, rows), np.arange(6))
    fitted = fit_one(fit, Data(table.X, codes, 3, rows, None, np.zeros(6, dtype=int)))
    assert 0 < fitted.fit_seconds < 0.4
