"""Hierarchical F1: by hand, against scikit-learn, and from a table's column."""

import dataclasses

import numpy as np
import pytest
from made_up import made_up_table
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from genreclf.errors import RequestError
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.hierarchy import Hierarchy, hierarchical_f1
from genreclf.evaluation.uncertainty import Jackknife
from genreclf.tables.table import FeatureTable

_GENRES = ("blues", "metal", "punk", "rock")
_PARENTS = {"metal": ("rock",), "punk": ("rock", "loud")}


def _score(y, y_pred, parents):
    jackknife = Jackknife.over(np.array(y), np.arange(len(y)), len(_GENRES))
    return hierarchical_f1(np.array(y_pred), Hierarchy.of(_GENRES, parents), jackknife)


def test_by_hand():
    # metal = {rock, metal}; punk = {rock, loud, punk}: one of two predicted and one of three true nodes are shared.
    assert _score([2], [1], _PARENTS).value == pytest.approx(2 / 5)
    assert _score([3], [1], _PARENTS).value == pytest.approx(2 / 3)
    assert _score([0], [1], _PARENTS).value == 0.0
    assert _score([0, 1], [0, 1], _PARENTS).value == 1.0


def test_it_is_scikit_learns_micro_f1_of_the_sets_of_nodes_and_the_accuracy_without_parents():
    rng = np.random.default_rng(0)
    y, y_pred = rng.integers(4, size=(2, 200))
    nodes = [{"blues"}, {"rock", "metal"}, {"rock", "loud", "punk"}, {"rock"}]
    binarizer = MultiLabelBinarizer().fit(nodes)
    truth, predicted = (binarizer.transform([nodes[k] for k in codes]) for codes in (y, y_pred))
    found = _score(y, y_pred, _PARENTS)
    assert found.value == pytest.approx(f1_score(truth, predicted, average="micro"))
    low, high = found.interval
    assert low < found.value < high
    assert _score(y, y_pred, {}).value == pytest.approx(np.mean(y == y_pred))


def test_its_standard_error_is_that_of_drawing_tracks_again():
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(4), 100)
    y_pred = np.where(rng.random(400) < 0.6, y, rng.integers(4, size=400))
    rows = [np.concatenate([rng.choice(np.flatnonzero(y == k), 100) for k in range(4)]) for _ in range(500)]
    drawn = [_score(y[chosen], y_pred[chosen], _PARENTS).value for chosen in rows]
    assert _score(y, y_pred, _PARENTS).standard_error == pytest.approx(np.std(drawn), rel=0.15)


def test_a_table_with_parents_is_scored_by_them(tmp_path):
    table = made_up_table()
    parents = table.frame["genre"].map({"genre0": "pop", "genre1": "rock", "genre2": "rock/loud"})
    frame = table.frame.assign(parent_genre=parents)
    dataclasses.replace(table, frame=frame).write(tmp_path / "t.csv")
    read = FeatureTable.read(tmp_path / "t.csv")
    assert read.parents == {"genre0": ("pop",), "genre1": ("rock",), "genre2": ("rock", "loud")}
    assert read.features == table.features
    found = benchmark(read, models=("logreg", "most_frequent"), protocol="holdout", draws=20).ranking
    assert (found["hierarchical_f1"] > found["accuracy"]).any()
    assert (found["hierarchical_f1_low"] <= found["hierarchical_f1"]).all()
    assert "hierarchical_f1" not in benchmark(table, models=("logreg",), protocol="holdout", draws=20).ranking
    mixed = frame.assign(parent_genre=np.where(np.arange(len(frame)) % 2, "pop", "rock"))
    with pytest.raises(RequestError, match="genre 'genre0' has two parents, 'rock' and 'pop'"):
        benchmark(dataclasses.replace(table, frame=mixed), models=("logreg",))
