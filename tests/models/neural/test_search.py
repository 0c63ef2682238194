"""Successive halving: what falls behind is given up, and the choice is that of the full search."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up_table

from genreclf.errors import RequestError
from genreclf.evaluation.fitting import Data, Fit, fit_one
from genreclf.evaluation.folds import Fold
from genreclf.models import MODELS
from genreclf.models.neural.search import Trial, best_of, search_by_epochs

FCNN = MODELS["fcnn"]
# Only the last rate learns enough in so few epochs.
SPACE = {"learning_rate": (1e-5, 1e-4, 3e-4, 1e-3, 1e-2), "hidden": (2, 3, 4, 6, 8), "head_dropout": (0.0, 0.3, 0.6)}


def _short(seed):
    return FCNN.factory(seed).set_params(epochs=27, patience=27, hidden=2, learning_rate=1e-6)


def _shorter(seed):
    return _short(seed).set_params(epochs=3)


@pytest.fixture(scope="module")
def entry():
    pytest.importorskip("torch")
    pytest.importorskip("optuna")
    return replace(FCNN, factory=_short, space=SPACE)


@pytest.fixture(scope="module")
def fold():
    table = made_up_table(tracks=90)
    side = np.unique(table.groups, return_inverse=True)[1] % 3 == 0
    return table.X, np.unique(table.y, return_inverse=True)[1], [(np.flatnonzero(~side), np.flatnonzero(side))]


def test_successive_halving_finds_the_rate_that_learns_in_a_third_of_the_epochs(entry, fold):
    X, y, folds = fold
    model = entry.build(0).set_params(model__batch_size=8)
    trials = search_by_epochs(model, SPACE, X, y, folds, seed=1, trials=16)
    assert best_of(trials).parameters["learning_rate"] == 1e-2
    assert best_of(trials).macro_f1 > 0.9
    assert {trial.epochs for trial in trials if trial.pruned} <= {4, 12}
    assert {trial.epochs for trial in trials if not trial.pruned} == {27}
    assert sum(trial.epochs for trial in trials) <= 16 * 27 / 3


def test_the_best_trial_has_the_lowest_loss_of_those_trained_to_their_end():
    ended = Trial({"a": 1}, 12, 12, pruned=False, loss=0.7, macro_f1=0.5)
    ahead = Trial({"a": 2}, 4, 16, pruned=True, loss=0.6, macro_f1=0.6)
    lucky = Trial({"a": 3}, 12, 28, pruned=False, loss=0.8, macro_f1=0.7)
    assert best_of([ahead, ended, lucky]) is ended
    assert best_of([ahead]) is ahead


def test_candidates_that_cannot_be_trained_are_given_up(entry, fold):
    X, y, folds = fold
    trials = search_by_epochs(entry.build(0), {"learning_rate": (1e30,)}, X, y, folds, seed=0, trials=2)
    assert [trial.pruned for trial in trials] == [False, True]
    hopeless = entry.build(0).set_params(model__learning_rate=1e30)
    with pytest.raises(ValueError, match="none of 2 candidates could be trained"):
        search_by_epochs(hopeless, {"learning_rate": (1e30,)}, X, y, folds, seed=0, trials=2)


def test_a_benchmark_searches_inside_the_training_part_alone(entry, monkeypatch):
    monkeypatch.setitem(search_by_epochs.__kwdefaults__, "trials", 3)
    table = made_up_table(tracks=60)
    y, artists = (np.unique(part, return_inverse=True)[1] for part in (table.y, table.groups))
    train, test = np.flatnonzero(artists % 4 > 0), np.flatnonzero(artists % 4 == 0)
    quick = replace(entry, factory=_shorter)
    fit = Fit("cv-artist", 1, quick, Fold(train, test), columns=np.arange(6), grouped=True, tune=True)
    found = []
    for X in (table.X, np.where(np.isin(np.arange(60), test)[:, None], 1e3, table.X)):
        data = Data(X, y, 3, np.arange(60), artists, np.zeros(6, dtype=int))
        found.append(fit_one(fit, data).trials)
    assert len(found[0]) == 3
    assert found[0] == found[1]


def test_without_optuna_the_error_names_the_extra(entry, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    table = made_up_table(tracks=60)
    from genreclf import train

    with pytest.raises(RequestError, match=r'pip install "genreclf\[search\]"'):
        train(table, model=entry, tune=True)
