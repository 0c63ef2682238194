"""Bundles: a model answers as before, and no file that poses as one gets further than one line."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import made_up_table
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import genreclf
from genreclf.archive import read_container
from genreclf.errors import RequestError
from genreclf.models import MODELS, build
from genreclf.models.bundle.bundle import KIND, OLDEST_SCIKIT_LEARN, Bundle, probe
from genreclf.models.bundle.manifest import BundleManifest
from genreclf.models.bundle.stored import dump_estimator, load_estimator, storable_types
from genreclf.models.calibration import base_estimator
from genreclf.training import train

from .hostile import attribute, hostile_files, packed, text, with_estimator, with_manifest, with_schema

_SMALL = {"n_estimators": 5, "iterations": 8, "max_iter": 5}


def _shrunk(factory, seed):
    classifier = factory(seed)
    known = {k: v for k, v in _SMALL.items() if k in classifier.get_params()}
    return classifier.set_params(**known)


@pytest.fixture
def small(monkeypatch):
    """Models with few trees."""
    for name, entry in MODELS.items():
        if name not in ("svc", "logreg"):
            monkeypatch.setitem(MODELS._entries, name, replace(entry, factory=partial(_shrunk, entry.factory)))


@pytest.mark.parametrize("genres", [2, 3])
@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if not (entry.extra or entry.series)])
def test_every_model_answers_the_same_after_a_round_trip(small, tmp_path, name, genres):
    table = made_up_table(genres=genres)
    bundle = train(table, model=name)
    bundle.save(tmp_path / "model.genreclf")
    loaded = Bundle.load(tmp_path / "model.genreclf")
    np.testing.assert_array_equal(loaded.estimator.predict_proba(table.X), bundle.estimator.predict_proba(table.X))
    assert list(loaded.estimator.predict(table.X)) == list(bundle.estimator.predict(table.X))
    assert loaded.manifest == msgspec.structs.replace(
        bundle.manifest, estimator_sha256=loaded.manifest.estimator_sha256
    )


@pytest.mark.parametrize("name", ["rf", "gb"])
def test_a_calibrated_model_answers_the_same_after_a_round_trip(small, tmp_path, name, made_table):
    bundle = train(made_table, model=name, calibrate=True)
    bundle.save(tmp_path / "model.genreclf")
    loaded = Bundle.load(tmp_path / "model.genreclf")
    assert loaded.manifest.calibrated
    X = made_table.X
    np.testing.assert_array_equal(loaded.estimator.predict_proba(X), bundle.estimator.predict_proba(X))


def test_the_same_model_gives_the_same_bytes(made_table):
    first, second = (dump_estimator(train(made_table, model="svc").estimator) for _ in range(2))
    assert first == second


def test_saving_does_not_change_the_model(small, made_table, tmp_path):
    bundle = train(made_table, model="gb")
    before = base_estimator(bundle.estimator).named_steps["model"]._rng
    bundle.save(tmp_path / "model.genreclf")
    assert base_estimator(bundle.estimator).named_steps["model"]._rng is before is not None


def test_every_type_that_may_be_built_is_a_class_of_scikit_learn_or_genreclf():
    import importlib

    types = storable_types()
    assert {name.split(".")[0] for name in types} == {"sklearn", "genreclf"}
    for name in types:
        module, _, cls = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), cls), type)


def test_a_model_that_is_not_of_the_zoo_is_refused_by_name_when_stored(made_table):
    from sklearn.neighbors import KNeighborsClassifier

    model = make_pipeline(StandardScaler(), KNeighborsClassifier()).fit(made_table.X, made_table.y)
    with pytest.raises(RequestError, match="KNeighborsClassifier"):
        dump_estimator(model)


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """The members of two right bundles, an SVC's and a small forest's."""
    folder = tmp_path_factory.mktemp("bundles")
    table = made_up_table()
    found = []
    for name in ("svc", "rf"):
        bundle = train(table, model=name, calibrate=name != "rf")
        if name == "rf":
            forest = build("rf").set_params(model__n_estimators=2).fit(table.X, table.y)
            given = probe(forest, bundle.manifest.feature_means, bundle.manifest.feature_stds)
            manifest = msgspec.structs.replace(bundle.manifest, probe_probabilities=tuple(map(tuple, given.tolist())))
            bundle = Bundle(forest, manifest)
        bundle.save(folder / name)
        Bundle.load(folder / name)
        found.append(read_container(folder / name, KIND))
    return found


def test_no_hostile_file_runs_code_crashes_or_gets_more_than_a_line(members, tmp_path):
    place = tmp_path / "was-here"
    names = []
    for name, content, word in hostile_files(*members, place):
        path = tmp_path / "hostile.genreclf"
        path.write_bytes(content)
        with pytest.raises(RequestError) as refused:
            genreclf.load(path)
        line = str(refused.value)
        assert word in line, f"{name}: {line}"
        assert "\n" not in line, name
        assert len(line) < 500, name
        assert not place.exists(), name
        names.append(name)
    assert len(set(names)) >= 60
    assert [p.name for p in tmp_path.iterdir()] == ["hostile.genreclf"]


def test_what_is_no_file_gets_one_line(tmp_path):
    import os

    (tmp_path / "folder.genreclf").mkdir()
    os.mkfifo(tmp_path / "pipe.genreclf")
    (tmp_path / "loop.genreclf").symlink_to(tmp_path / "loop.genreclf")
    for name in ("folder", "pipe", "loop", "missing"):
        with pytest.raises(RequestError) as refused:
            genreclf.load(tmp_path / f"{name}.genreclf")
        assert "\n" not in str(refused.value)


@settings(max_examples=150)
@given(data=st.data())
def test_any_flipped_bit_and_any_cut_is_noticed(members, tmp_path_factory, data):

    whole = packed(members[0])
    place = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    cut = data.draw(st.booleans())
    altered = whole[:place] if cut else whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
    path = tmp_path_factory.getbasetemp() / "altered.genreclf"
    path.write_bytes(altered)
    with pytest.raises(RequestError):
        Bundle.load(path)


def _taken_or_refused_in_a_line(path):
    lines = []
    try:
        Bundle.load(path)
    except RequestError as refused:
        lines = str(refused).splitlines()
    assert len(lines) <= 1


_ODD = (None, True, 0, -1, 10**30, 1e308, "", "é\ud800", "x" * 200_000, {}, {"a": {}}, {"a": 1}, {"": [1]})
_LISTS = st.lists(st.sampled_from(_ODD), max_size=6)


@settings(max_examples=100)
@given(
    field=st.sampled_from([f.encode_name for f in msgspec.structs.fields(BundleManifest)]),
    value=st.sampled_from(_ODD) | _LISTS,
)
def test_any_json_in_any_field_of_a_manifest_is_taken_or_refused_in_a_line(members, tmp_path_factory, field, value):
    path = tmp_path_factory.getbasetemp() / "manifest.genreclf"
    path.write_bytes(with_manifest(members[0], **{field: value}))
    _taken_or_refused_in_a_line(path)


@settings(max_examples=100)
@given(data=st.data())
def test_any_bytes_in_an_estimator_are_refused_in_a_line_or_harmless(members, tmp_path_factory, data):
    whole = members[1]["estimator.skops"]
    place = data.draw(st.integers(0, len(whole) - 1))
    altered = whole[:place] + data.draw(st.binary(min_size=1, max_size=8)) + whole[place + 8 :]

    path = tmp_path_factory.getbasetemp() / "estimator.genreclf"
    path.write_bytes(with_estimator(members[1], altered))
    _taken_or_refused_in_a_line(path)


def test_a_file_cannot_make_a_forest_start_threads(members, tmp_path):

    def greedy(schema):
        attribute(schema, "RandomForestClassifier", "n_jobs").update(text(10_000))

    path = tmp_path / "greedy.genreclf"
    path.write_bytes(with_schema(members[1], greedy))
    assert base_estimator(Bundle.load(path).estimator).named_steps["model"].n_jobs is None


def test_a_bundle_of_an_older_supported_version_is_judged_by_its_answers(members, tmp_path):

    oldest = ".".join(map(str, OLDEST_SCIKIT_LEARN)) + ".0"
    path = tmp_path / "old.genreclf"
    path.write_bytes(with_manifest(members[0], versions={"scikit-learn": oldest}))
    Bundle.load(path)


def test_loading_takes_the_estimator_only_from_memory(members, tmp_path):
    assert load_estimator(tmp_path / "nowhere", members[0]["estimator.skops"], features=6, genres=3) is not None
    assert not list(tmp_path.iterdir())
