"""Protocols: one registry, to which others can add, and from which texts and choices follow."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from sklearn.metrics import f1_score

from genreclf.errors import RequestError
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.comparison import Comparison
from genreclf.evaluation.folds import one_fold
from genreclf.evaluation.protocols import CV, PROTOCOLS, Protocol, choices, register, title
from genreclf.models import MODELS, build
from genreclf.reports import write_report


def _third(table, groups, settings):
    """Every third track is tested, whoever plays it."""
    del groups, settings
    tested = np.arange(len(table)) % 3 == 0
    return one_fold(table.y, np.flatnonzero(~tested), np.flatnonzero(tested))


@pytest.fixture
def registry(monkeypatch):
    """The registry, as it was again afterwards."""
    monkeypatch.setattr(PROTOCOLS, "_entries", dict(PROTOCOLS._entries))


@pytest.mark.usefixtures("registry")
def test_a_protocol_from_outside_goes_all_the_way_to_the_report(made_table, tmp_path):
    register(Protocol("third", "every third track", _third))
    assert "third" in choices()
    shuffled = made_table.take(np.random.default_rng(0).permutation(len(made_table)))
    comparison = benchmark(shuffled, models=("logreg",), protocol="third", draws=20)
    assert set(comparison.predictions["track_id"]) == set(shuffled.ids[::3])
    assert any("by artists seen in training" in note for note in comparison.notes)
    write_report(comparison, tmp_path)
    assert "every third track" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert Comparison.read(tmp_path).protocol == "third"


@pytest.mark.usefixtures("registry")
def test_cv_runs_a_protocol_that_says_so(made_table):
    shuffled = made_table.take(np.random.default_rng(0).permutation(len(made_table)))
    register(Protocol("third", "every third track", _third, in_cv=True))
    comparison = benchmark(shuffled, models=("logreg",), draws=20)
    assert comparison.run["protocols"] == ["cv-artist", "cv-random", "third"]


@pytest.mark.usefixtures("registry")
def test_a_protocol_that_breaks_its_own_grouping_is_stopped(made_table):
    shuffled = made_table.take(np.random.default_rng(0).permutation(len(made_table)))
    register(Protocol("third", "every third track", _third, grouping="artists"))
    with pytest.raises(AssertionError, match="groups stand on both sides"):
        benchmark(shuffled, models=("logreg",), protocol="third", draws=20)


@pytest.mark.usefixtures("registry")
def test_a_name_that_is_taken_is_refused():
    with pytest.raises(RequestError, match="'study' already"):
        register(Protocol("study", "mine", _third))
    register(Protocol("study", "mine", _third), replace=True)
    assert title("study") == "mine"


def test_choices_and_titles_come_from_the_registry():
    assert choices() == ["study", "holdout", "holdout-artist", CV, "cv-artist", "cv-random", "split", "cross"]
    assert title("cv-artist") == PROTOCOLS["cv-artist"].title
    assert title("of an old report") == "of an old report"


def test_the_artist_disjoint_split_is_scored_like_any_other(made_table):
    found = benchmark(made_table, models=("logreg",), protocol="holdout-artist", test_size=0.4, draws=20)
    assert found.run["protocols"] == ["holdout-artist"]
    tested = set(found.predictions["track_id"])
    artists = made_table.frame.set_index("track_id")["artist"]
    assert not set(artists[list(tested)]) & set(artists[[name for name in made_table.ids if name not in tested]])
    assert len(tested) / len(made_table) == pytest.approx(0.4, abs=0.15)
    nobody = dataclasses.replace(made_table, frame=made_table.frame.drop(columns="artist"))
    with pytest.raises(RequestError, match=r"or choose protocol=holdout$"):
        benchmark(nobody, models=("logreg",), protocol="holdout-artist", draws=20)


@pytest.fixture
def split_table(made_table):
    """A table with a split of its own whose artists are on one side each."""
    artists = sorted(set(made_table.frame["artist"]))
    parts = dict(zip(artists, ["training", "training", "validation", "test"] * len(artists), strict=False))
    return dataclasses.replace(made_table, frame=made_table.frame.assign(split=made_table.frame["artist"].map(parts)))


def _predictions(table, trained_on, model):
    train, test = (np.isin(table.frame["split"], names) for names in (trained_on, ["test"]))
    return model.fit(table.X[train], table.y[train]).predict(table.X[test])


@pytest.mark.parametrize(
    ("option", "trained_on"), [(False, ["training"]), (True, ["training", "validation"])], ids=["without", "with"]
)
def test_a_split_trains_on_its_validation_tracks_when_asked(split_table, option, trained_on):
    found = benchmark(split_table, models=("svc",), protocol="split", train_on_validation=option, draws=20)
    assert list(found.predictions["svc"]) == list(_predictions(split_table, trained_on, build("svc")))
    note = "validation tracks are trained on as well" if option else "neither trained on nor tested"
    assert any(note in line for line in found.notes)


@pytest.mark.parametrize("option", [False, True])
def test_a_split_is_tuned_on_its_validation_tracks(split_table, option):
    found = benchmark(
        split_table, models=("logreg",), protocol="split", train_on_validation=option, tune=True, draws=20
    )
    train, validation = (split_table.frame["split"].to_numpy() == name for name in ("training", "validation"))
    chosen = json.loads(found.tuning["parameters"][0])

    def score(C):
        model = MODELS["logreg"].build(42).set_params(model__C=C)
        y_pred = model.fit(split_table.X[train], split_table.y[train]).predict(split_table.X[validation])
        return f1_score(split_table.y[validation], y_pred, average="macro")

    scores = {C: score(C) for C in MODELS["logreg"].space["C"]}
    assert found.tuning["inner_macro_f1"][0] == pytest.approx(max(scores.values())) == scores[chosen["C"]]
    trained_on = ["training", "validation"] if option else ["training"]
    fitted = MODELS["logreg"].build(42).set_params(**{f"model__{name}": value for name, value in chosen.items()})
    assert list(found.predictions["logreg"]) == list(_predictions(split_table, trained_on, fitted))


def test_training_on_validation_goes_with_a_split_that_has_some(made_table, split_table):
    with pytest.raises(RequestError, match="train_on_validation=True goes with protocol split, not with 'cv'"):
        benchmark(made_table, models=("logreg",), train_on_validation=True)
    rest = split_table.take(split_table.frame["split"].to_numpy() != "validation")
    with pytest.raises(RequestError, match="no track is marked 'validation'"):
        benchmark(rest, models=("logreg",), protocol="split", train_on_validation=True)
