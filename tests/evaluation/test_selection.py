"""Selection: the choice of the best model is scored on tracks that it has not seen."""

from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up_table
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold

from genreclf.evaluation import benchmark as benchmarks
from genreclf.evaluation import selection
from genreclf.evaluation.benchmark import benchmark
from genreclf.models import MODELS, build
from genreclf.models.bundle.bundle import Bundle
from genreclf.models.entry import ModelSpec
from genreclf.training import train

_OPTIONS = {"models": ("svc", "logreg"), "protocol": "cv-random", "folds": 3, "repeats": 1, "draws": 20, "nested": True}


def test_the_score_is_that_of_plain_nested_cross_validation():
    table = made_up_table(tracks=150, spread=0.6)
    y_pred, chosen = np.empty(len(table), dtype=object), []
    for train_rows, test in StratifiedKFold(3, shuffle=True, random_state=42).split(table.X, table.y):
        X, y = table.X[train_rows], table.y[train_rows]
        inner = list(StratifiedKFold(3, shuffle=True, random_state=42).split(X, y))
        truth = np.concatenate([y[rows] for _, rows in inner])
        scores = {
            name: f1_score(
                truth, np.concatenate([build(name).fit(X[a], y[a]).predict(X[b]) for a, b in inner]), average="macro"
            )
            for name in ("svc", "logreg")
        }
        chosen.append(max(scores, key=scores.get))
        y_pred[test] = build(chosen[-1]).fit(X, y).predict(table.X[test])
    found = benchmark(table, **_OPTIONS).run["selection"]
    assert found["macro_f1"] == pytest.approx(f1_score(table.y, y_pred, average="macro"))
    assert found["macro_f1_low"] < found["macro_f1"] < found["macro_f1_high"]
    assert found["chosen"] == {name: chosen.count(name) for name in chosen}


def test_choosing_among_equals_scores_less_than_the_winner_among_them():
    """Of many equal guesses the winner looks better than chance; the choice made inside the folds does not."""
    table = made_up_table(tracks=90, spread=0.0, artist_spread=0.0, features=2)
    guesses = [DummyClassifier(strategy="uniform", random_state=seed) for seed in range(20)]
    found = benchmark(table, **_OPTIONS | {"models": guesses})
    assert found.run["selection"]["macro_f1"] < found.ranking["macro_f1"][0] - 0.02
    assert found.run["selection"]["macro_f1_low"] < 1 / 3 < found.run["selection"]["macro_f1_high"]


def test_a_model_that_is_clearly_worse_is_fitted_on_one_inner_fold(monkeypatch):
    fitted = []
    fit_all = selection.fit_all
    monkeypatch.setattr(selection, "fit_all", lambda fits, *a, **k: fitted.extend(fits) or fit_all(fits, *a, **k))
    table = made_up_table(tracks=150, spread=3.0)
    worse = MODELS["most_frequent"].factory(0)
    found = benchmark(table, **_OPTIONS | {"models": ("svc", "logreg", worse)})
    counts = {name: sum(fit.model == name for fit in fitted) for name in ("svc", "logreg", "DummyClassifier")}
    assert counts["DummyClassifier"] == 3
    assert counts["svc"] in (5, 7, 9)
    assert "DummyClassifier" not in found.run["selection"]["chosen"]


def test_a_model_of_many_trees_that_is_behind_with_fewer_is_not_fitted_in_full(monkeypatch):
    fitted = []
    fit_all = benchmarks.fit_all
    monkeypatch.setattr(benchmarks, "fit_all", lambda fits, *a, **k: fitted.extend(fits) or fit_all(fits, *a, **k))
    behind = ModelSpec("trees", "Trees", _guesses, light={"strategy": "most_frequent"})
    ahead = ModelSpec("lda", "LDA", lambda _: LinearDiscriminantAnalysis(), light={"tol": 1e-5})
    found = benchmark(made_up_table(tracks=150, spread=3.0), **_OPTIONS | {"models": (behind, ahead, "svc")})
    assert {fit.model for fit in fitted} == {"lda", "svc"} == set(found.ranking["model"])
    assert found.run["selection"]["models"] == ["trees", "lda", "svc"]
    assert found.run["selection"]["behind"] == ["trees"]
    assert any(note.startswith("trees: left out of the comparison") for note in found.notes)


def _guesses(seed):
    return DummyClassifier(strategy="stratified", random_state=seed)


def test_the_winner_says_what_it_was_chosen_from_and_what_the_choice_scores(tmp_path, monkeypatch):
    few = {name: MODELS[name] for name in ("svc", "logreg", "most_frequent")}
    monkeypatch.setattr(MODELS, "_entries", few)
    train(made_up_table(), model="best").save(tmp_path / "model")
    scores = Bundle.load(tmp_path / "model").manifest.scores
    assert set(str(scores["selected_from"]).split(", ")) == {"svc", "logreg"}
    assert 0 < scores["selection_macro_f1_low"] < scores["selection_macro_f1"] < scores["selection_macro_f1_high"] <= 1
    assert scores["selection_inner_folds"] == 3
    assert scores["selected_in_folds"]


def test_run_json_says_how_the_table_was_made_and_every_parameter():
    table = made_up_table()
    made = {"feature_set": "study", "parameters": {"offset": None, "duration": 30.0, "sample_rate": 22050}}
    run = benchmark(replace(table, meta=made), models=("svc", "rf"), protocol="holdout", draws=20).run
    assert (run["table"]["feature_set"], run["table"]["duration"], run["table"]["sample_rate"]) == (
        "study",
        30.0,
        22050,
    )
    assert run["table"]["offset"] is None
    assert run["model_parameters"]["svc"]["C"] == 3
    assert run["model_parameters"]["rf"]["class_weight"] == "balanced"
