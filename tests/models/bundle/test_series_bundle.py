"""Bundles of models of series: they predict as the model that was fitted, on series and on audio, and without torch."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import soundfile
from made_series import made_up_series, write_series
from made_up import made_up_table, note
from without_workers import without_workers

import genreclf
from genreclf.archive import read_container
from genreclf.cli import main
from genreclf.errors import RequestError
from genreclf.features import Family, register
from genreclf.features.registry import _REGISTERED
from genreclf.models import MODELS
from genreclf.models.bundle.bundle import KIND, TENSORS, Bundle
from genreclf.models.bundle.series_manifest import SeriesManifest
from genreclf.models.bundle.tensors import dump_tensors, load_tensors
from genreclf.prediction import TrackPredictor
from genreclf.series import join_series, open_series, series_of

from .hostile import packed, with_estimator, with_manifest

NETWORKS = [name for name, entry in MODELS.items() if entry.series and entry.extra]
OF_SERIES = [name for name, entry in MODELS.items() if entry.series]


def small(name):
    """The entry of a model, with few units and epochs."""
    entry = MODELS[name]
    if name in NETWORKS:
        pytest.importorskip("torch")
        pytest.importorskip("onnxruntime")
    return replace(entry, factory=partial(_small, entry.factory))


def _small(factory, seed):
    model = factory(seed)
    few = {"hidden": 4, "layers": 2, "epochs": 4, "refit": False, "learning_rate": 1e-2}
    return model.set_params(**{name: value for name, value in few.items() if name in model.get_params()})


@pytest.fixture(scope="module")
def table():
    return made_up_table(tracks=60)


@pytest.fixture(scope="module")
def series(table):
    return made_up_series(table, frames=(3, 9))


@pytest.fixture(scope="module")
def bundles(table, series, tmp_path_factory):
    """Paths of a bundle of each model, as far as its packages are installed."""
    folder = tmp_path_factory.mktemp("bundles")
    found = {}
    for name in OF_SERIES:
        if name not in NETWORKS or (_there("torch") and _there("onnxruntime")):
            genreclf.train(table, model=small(name), series=series, calibrate=False).save(folder / name)
            found[name] = folder / name
    return found


def _there(package):
    from importlib.util import find_spec

    return find_spec(package) is not None


class _Absent:
    """Finds torch missing, whether it is installed or not."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "safetensors"):
            raise ModuleNotFoundError(name, name=name)


@pytest.mark.parametrize("name", OF_SERIES)
def test_a_bundle_predicts_as_the_model_that_was_fitted_and_without_torch(bundles, table, series, name, monkeypatch):
    entry = small(name)
    fitted = entry.build(42)
    codes = np.unique(table.y, return_inverse=True)[1]
    groups = {"model__groups": np.unique(table.groups, return_inverse=True)[1]} if entry.by_epochs else {}
    expected = fitted.fit(series, codes, **groups).predict_proba(series)
    for module in [module for module in sys.modules if module.split(".")[0] in ("torch", "onnx", "safetensors")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [_Absent(), *sys.meta_path])
    predictor = genreclf.load(bundles[name])
    found = predictor.predict_table(table, series=series)
    np.testing.assert_allclose(found[list(predictor.genres)].to_numpy(), expected, atol=1e-5)
    assert list(found["genre"]) == [table.genres[code] for code in expected.argmax(axis=1)]
    again = TrackPredictor(Bundle.load(bundles[name])).predict_table(table.take(np.arange(5)), series=series)
    np.testing.assert_allclose(again[list(predictor.genres)].to_numpy(), expected[:5], atol=1e-5)


def test_the_same_series_give_the_same_bytes_and_the_manifest_says_what_it_takes(bundles, table, series):
    name = next(iter(bundles))
    again = genreclf.train(table, model=small(name), series=series, calibrate=False)
    manifest = Bundle.load(bundles[name]).manifest
    assert isinstance(manifest, SeriesManifest)
    assert (manifest.format, manifest.series.kind, manifest.series.bins) == (4, "made", 4)
    assert manifest.features[:2] + manifest.features[-1:] == ("made_mean_01", "made_mean_02", "made_std_04")
    assert manifest.table["series"] == series.digest
    members = read_container(bundles[name], KIND)
    again.save(bundles[name])
    assert read_container(bundles[name], KIND)["estimator.skops"] == members["estimator.skops"]
    with pytest.raises(RequestError, match="made for series from elsewhere, 'made', so it cannot predict audio"):
        genreclf.load(bundles[name]).predict("a.wav")


def test_a_calibrated_model_knows_coverage_and_how_unlike_its_training_a_track_is(table, series, tmp_path):
    genreclf.train(table, model="pooled", series=series).save(tmp_path / "m")
    predictor = genreclf.load(tmp_path / "m", coverage=0.5)
    manifest = predictor.manifest
    assert manifest.calibrated
    assert manifest.held_out.scores["macro_f1"] > 0.6
    assert 0 < predictor.threshold < 1
    usual, odd = (predictor._track("t", np.zeros(1), made, silent=False) for made in (series[[0]], _shifted(series)))
    assert odd.unlike_training == 100.0 > usual.unlike_training


def _shifted(series):
    return genreclf.series.series_of_arrays("made", [series[0] + np.float16(50)], frame_rate=series.frame_rate)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"model": "svc"}, r"svc takes the features of the table; leave out `series`, or choose from segments, pooled"),
        ({"model": "segments", "features": ["mfcc"]}, "segments takes series; leave out `features`"),
    ],
)
def test_series_and_features_exclude_each_other(table, series, options, line):
    with pytest.raises(RequestError, match=line):
        genreclf.train(table, series=series, **options)


def test_the_best_of_a_benchmark_may_be_a_model_of_series(monkeypatch, series):
    """The features are noise, and the series tell the genres apart."""
    table = made_up_table(tracks=60, spread=0.0, artist_spread=0.0)
    kept = {name: MODELS[name] for name in ("logreg", "pooled", "most_frequent")}
    monkeypatch.setattr(MODELS, "_entries", kept)
    bundle = genreclf.train(table, model="best", series=made_up_series(table), calibrate=False)
    assert bundle.manifest.model == "pooled"
    assert bundle.manifest.series.kind == "made"


def test_series_of_another_make_are_refused_by_name(bundles, table, series):
    predictor = genreclf.load(bundles["segments"])
    for other, name in (
        (made_up_series(table, frame_rate=1.0), "frame_rate 1.0"),
        (made_up_series(table, bins=5), "bins 5"),
    ):
        with pytest.raises(RequestError, match=f"series made with {name}, the model with"):
            predictor.predict_table(table, series=other)
    with pytest.raises(RequestError, match="takes made series, which have no feature families"):
        predictor.explain("a.wav")


def _forged(members, **changes):
    return json.loads(members["manifest.json"])["series"] | changes


def _hostile(networks, segments, columns):
    """Content and a word of the line that must come."""
    for members in (networks, segments):
        yield with_manifest(members, series=...), "missing required field `series`"
        yield with_manifest(members, series=_forged(members, bins=3)), "each bin has a mean"
        yield with_manifest(members, series=_forged(members, bins=1 << 21)), "series.bins"
        yield with_manifest(members, series=_forged(members, frame_rate=0)), "series.frame_rate"
        yield with_manifest(members, format=2, series=...), "."
        features = [f"f{number}" for number in range(6)]
        numbers = {"feature_means": [0.0] * 6, "feature_deviations": [1.0] * 6, "novelty": None}
        narrower = {"features": features, **numbers, "series": _forged(members, bins=3)}
        yield with_manifest(members, **narrower), "."
        yield with_estimator(members, columns["estimator.skops"]), "estimator"
    yield packed(columns | {name: segments[name] for name in ("estimator.skops",)}), "the estimator "
    yield with_manifest(segments, probe_probabilities=[[0.2, 0.3, 0.5]] * 5), "does not predict as it did"
    arrays = load_tensors(networks[TENSORS])
    for name, array in arrays.items():
        yield packed(networks | {TENSORS: dump_tensors(arrays | {name: array[:-1]})}), "has "
    deep = {f"0.cell.bias_hh_l{number}": arrays["0.cell.bias_hh_l0"] for number in range(2, 40)}
    yield packed(networks | {TENSORS: dump_tensors(arrays | deep)}), "do not belong"


def test_bundles_of_strangers_are_refused_in_one_line(bundles, table, tmp_path):
    genreclf.train(table, model="logreg", calibrate=False).save(tmp_path / "columns")
    if "lstm" not in bundles:
        pytest.skip("torch is not installed")
    paths = (bundles["lstm"], bundles["segments"], tmp_path / "columns")
    for content, word in _hostile(*(read_container(path, KIND) for path in paths)):
        (tmp_path / "m").write_bytes(content)
        with pytest.raises(RequestError, match=word) as refused:
            genreclf.load(tmp_path / "m")
        assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("parameters", "line"),
    [({"layers": 33}, "layers=33; choose at most 32"), ({"hidden": 20_000}, "hidden=20000; choose at most 16384")],
)
def test_networks_that_no_bundle_would_hold_are_not_trained(table, series, parameters, line):
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match=line):
        MODELS["cnn2d"].factory(0).set_params(**parameters).fit(series, table.y)


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """A folder of low and high notes, and a table of them with series of their coefficients."""
    folder = tmp_path_factory.mktemp("notes")
    register(Family("loud", ("loud_mean_01",), lambda spectra: np.array([spectra.samples.std()]), phases=False))
    with pytest.MonkeyPatch.context() as patch:
        without_workers(patch.setattr)
        for genre, base in (("low", 110.0), ("high", 880.0)):
            (folder / genre).mkdir()
            for number in range(5):
                sound = note(base * (1 + number / 10), seed=number)
                soundfile.write(folder / genre / f"{number}.wav", sound, 22050)
        genreclf.extract(folder, folder / "t.csv", feature_set="loud", series="mfcc", jobs=1)
    yield folder
    del _REGISTERED.families["loud"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command in this process: its exit code, and what it printed."""
    without_workers(monkeypatch.setattr)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["genreclf", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return ending.value.code or 0, printed.out, printed.err

    return call


def test_audio_is_predicted_as_its_extracted_series(notes, tmp_path, run):
    table = genreclf.FeatureTable.read(notes / "t.csv")
    paths = [notes / path for path in table.frame["path"]]
    for name in ("segments", "cnn") if _there("torch") else ("segments",):
        genreclf.train(table, model=small(name), series="mfcc", calibrate=False).save(tmp_path / name)
        predictor = genreclf.load(tmp_path / name)
        by_table = predictor.predict_table(table)[list(predictor.genres)].to_numpy()
        np.testing.assert_allclose(predictor.predict_proba(paths, jobs=1), by_table, atol=1e-6)
        code, printed, _ = run("predict", tmp_path / name, notes, "--json", "--jobs", 1)
        lines = {line["path"]: line for line in map(json.loads, printed.splitlines())}
        assert code == 0
        probabilities = [list(lines[str(path)]["probabilities"].values()) for path in paths]
        np.testing.assert_allclose(probabilities, by_table, atol=1e-6)
    copy = genreclf.load(tmp_path / "segments").fit(paths, list(table.y))
    assert copy.manifest.series == genreclf.load(tmp_path / "segments").manifest.series
    expected = genreclf.load(tmp_path / "segments").predict_proba(paths, jobs=1)
    np.testing.assert_allclose(copy.predict_proba(paths, jobs=1), expected, atol=1e-6)


def test_the_commands_train_predict_and_inform(notes, tmp_path, run):
    model, track = tmp_path / "m.genreclf", notes / "high" / "0.wav"
    chosen = ("--model", "segments", "--series", "mfcc", "--no-calibrate", "-o", model)
    assert "10 tracks, mfcc series; " in run("train", notes / "t.csv", *chosen)[1]
    assert "high" in run("predict", model, track)[1]
    assert "mfcc" in run("info", model)[1]
    assert run("inspect", track, "--model", model, "-o", tmp_path / "page.html")[0] == 0
    code, _, line = run("train", notes / "t.csv", "--series", "mfcc", "--labels", "tags", "-o", model)
    assert (code, line.count("\n")) == (2, 1)
    assert "--series mfcc is not for --labels tags; leave it out" in line


def test_a_test_table_has_series_of_its_own(table, tmp_path):
    """The ids of both are row numbers, and mean nothing across the tables."""
    parts = []
    for name, tracks in (("a", 60), ("b", 30)):
        made = made_up_table(tracks=tracks)
        made.frame["track_id"] = [str(number) for number in range(tracks)]
        made.frame["artist"] += name
        made.write(tmp_path / f"{name}.csv")
        arrays = list(made_up_series(made, seed=tracks % 7 and 1))
        write_series(tmp_path / f"{name}.series", arrays, [str(number) for number in range(tracks)])
        parts.append(genreclf.FeatureTable.read(tmp_path / f"{name}.csv"))
    comparison = genreclf.benchmark(parts[0], test_table=parts[1], models=["pooled"], series="made", draws=20, jobs=1)
    fitted = MODELS["pooled"].build(42).fit(series_of(parts[0], "made"), parts[0].y)
    expected = fitted.predict(series_of(parts[1], "made"))
    found = comparison.predictions.set_index("track_id")["pooled"]
    assert [found[str(number)] for number in range(30)] == list(expected)
    with pytest.raises(RequestError, match=r"series made with bins 4 and with 5; extract them alike"):
        join_series([open_series(tmp_path / "a.csv"), made_up_series(parts[1], bins=5)], [])


def test_without_onnxruntime_the_error_names_the_line_that_installs_it(bundles, monkeypatch):
    if "cnn" not in bundles:
        pytest.skip("torch is not installed")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RequestError, match="cnn: predicting with a neural model needs onnxruntime: pip install onnx"):
        genreclf.load(bundles["cnn"])


def test_a_benchmark_of_networks_without_torch_ends_before_anything_is_fitted(table, series, monkeypatch):
    def fit(*_, **__):
        raise AssertionError("a fit has begun")

    monkeypatch.setattr("genreclf.evaluation.benchmark.fit_all", fit)
    for module in [module for module in sys.modules if module.split(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [_Absent(), *sys.meta_path])
    for models in (["svc", "fcnn"], ["segments", "lstm"]):
        with pytest.raises(
            RequestError, match=rf"^{models[1]} needs torch, which is not installed: pip install torch --index"
        ):
            genreclf.benchmark(table, models=models, series=series)
