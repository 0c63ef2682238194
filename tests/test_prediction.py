"""Prediction: files and their rows get the same answer, long tracks are averaged, bad tracks cost themselves."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import numpy as np
import pandas as pd
import pytest
import soundfile
from made_up import made_up_table

import genreclf
from genreclf.classifier import Predictor
from genreclf.errors import RequestError, TrackError
from genreclf.features import extract_features
from genreclf.loading import load
from genreclf.models.bundle.bundle import Bundle
from genreclf.models.calibration import base_estimator
from genreclf.tables.table import FeatureTable

pytestmark = pytest.mark.usefixtures("in_this_process")
RATE = 22050
SECONDS = 2.0


def _sound(pitch, seconds, *, noise, seed=0):
    time = np.arange(int(seconds * RATE)) / RATE
    grain = np.random.default_rng(seed).normal(scale=noise, size=time.size)
    return (0.4 * np.sin(2 * np.pi * pitch * time) * (1 - noise) + 0.2 * grain).astype(np.float32)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Twelve short clips of two genres, a hum and a hiss, their table, and a model of them."""
    folder = tmp_path_factory.mktemp("music")
    rows = []
    for number in range(12):
        genre = ("hum", "hiss")[number % 2]
        path = folder / f"{genre}{number:02d}.wav"
        sound = _sound(110 + 20 * number, SECONDS, noise=(0.05, 0.9)[number % 2], seed=number)
        soundfile.write(path, sound, RATE)
        row = {"track_id": path.name, "genre": genre, "artist": f"artist{number}", "path": path.name}
        rows.append(row | extract_features(path, feature_set="study", duration=SECONDS))
    frame = pd.DataFrame(rows)
    features = tuple(frame.columns[4:])
    meta = {"feature_set": "study", "parameters": {"offset": None, "duration": SECONDS, "sample_rate": RATE}}
    table = FeatureTable(frame, features, meta=meta, name="music")
    model = folder / "model.genreclf"
    genreclf.train(table, model="svc").save(model)
    return folder, table, model


def test_files_and_their_rows_get_the_same_answer_to_the_last_digit(music):
    folder, table, model = music
    predictor = genreclf.load(model)
    paths = [folder / name for name in table.frame["path"]]
    by_table = predictor.predict_table(table)
    assert list(predictor.predict(paths, jobs=1)) == list(by_table["genre"])
    by_file = predictor.predict_proba(paths, jobs=1)
    np.testing.assert_allclose(by_file, by_table[list(predictor.genres)].to_numpy(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(by_file.sum(axis=1), 1)


@pytest.mark.workers
def test_workers_give_the_same_answers_and_a_bad_track_costs_itself_alone(music, tmp_path):
    folder, table, model = music
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"not a sound")
    predictor = genreclf.load(model)
    good = [folder / name for name in table.frame["path"][:3]]
    predicted = list(predictor.stream([good[0], bad, *good[1:]], jobs=2))
    assert [p.path for p in predicted] == [str(path) for path in (good[0], bad, *good[1:])]
    found = {p.path: p for p in predicted}
    assert found[str(bad)].error.code == "unreadable"
    assert found[str(bad)].probabilities == {}
    np.testing.assert_array_equal(
        [list(found[str(path)].probabilities.values()) for path in good], predictor.predict_proba(good, jobs=1)
    )
    for asked in (predictor.predict, predictor.predict_proba, predictor.predict_segments, predictor.explain):
        with pytest.raises(TrackError, match=r"bad\.wav.*unreadable"):
            asked(bad)
    assert predictor.predict([]).shape == (0,)
    assert predictor.predict_proba([]).shape == (0, 2)


def test_a_long_track_is_the_mean_of_its_segments(music, tmp_path):
    _, _, model = music
    hum, hiss = _sound(150, 3 * SECONDS, noise=0.05), _sound(150, SECONDS, noise=0.9)
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate([hum, hiss]), RATE)
    predictor = genreclf.load(model)
    segments = predictor.predict_segments(path)
    np.testing.assert_allclose(segments["start"], [0, 2, 4, 6])
    assert list(segments["genre"]) == ["hum", "hum", "hum", "hiss"]
    mean = segments[list(predictor.genres)].to_numpy().mean(axis=0)
    np.testing.assert_allclose(predictor.predict_proba(path)[0], mean)
    assert predictor.predict(path)[0] == "hum"


def test_the_family_that_tells_the_genres_apart_speaks_for_them(music):
    folder, table, model = music
    predictor = genreclf.load(model)
    said = predictor.explain(folder / table.frame["path"][0])
    assert said["family"].iloc[0] == "mfcc"
    assert said["contribution"].iloc[0] > 0
    assert set(said["family"]) == {"mfcc", "tonnetz", "tempo", "power"}
    assert said["features"].sum() == 185
    assert said["contribution"].is_monotonic_decreasing


def test_a_family_that_a_model_ignores_says_nothing(music):
    _, table, _ = music
    only = genreclf.train(table, model="logreg")
    predictor = Predictor(only)
    weights = base_estimator(only.estimator).named_steps["model"].coef_
    weights[:, [i for i, name in enumerate(table.features) if name.startswith("tonnetz")]] = 0
    said = predictor.explain(music[0] / table.frame["path"][0]).set_index("family")
    assert said.loc["tonnetz", "contribution"] == 0


def test_a_model_of_some_families_predicts_audio(music, tmp_path):
    folder, table, _ = music
    genreclf.train(table, model="logreg", features=["mfcc"]).save(tmp_path / "m")
    predictor = genreclf.load(tmp_path / "m")
    assert len(predictor.manifest.features) == 140
    assert predictor.predict(folder / table.frame["path"][1])[0] == "hiss"


def test_a_model_of_a_table_from_elsewhere_takes_tables_and_refuses_audio(music):
    table = made_up_table()
    predictor = Predictor(genreclf.train(table))
    assert len(predictor.predict_table(table)) == len(table)
    with pytest.raises(RequestError, match="table from elsewhere"):
        predictor.predict(music[0] / music[1].frame["path"][0])


def test_a_table_made_otherwise_than_the_models_is_refused(music):
    _, table, model = music
    predictor = genreclf.load(model)
    with pytest.raises(RequestError, match="lacks 45 of the model's 185"):
        predictor.predict_table(table.select(["mfcc"]))
    other = FeatureTable(table.frame, table.features, meta={"parameters": {"duration": 30.0}})
    with pytest.raises(RequestError, match="duration 30"):
        predictor.predict_table(other)


def test_calibrating_changes_no_genre(music):
    _, table, _ = music
    from genreclf.models import build

    plain = build("svc").fit(table.X, table.y)
    assert list(Predictor(genreclf.train(table)).predict_table(table)["genre"]) == list(plain.predict(table.X))


def test_the_winner_of_the_benchmark_is_trained_and_its_scores_are_kept(tmp_path, monkeypatch):
    from genreclf.evaluation import benchmark

    whole = benchmark.benchmark
    monkeypatch.setattr(
        benchmark, "benchmark", lambda table, **o: whole(table, models=["logreg", "most_frequent"], draws=20, **o)
    )
    bundle = genreclf.train(made_up_table(), model="best", jobs=1)
    assert bundle.manifest.model == "logreg"
    assert bundle.manifest.scores["protocol"] == "cv-artist"
    assert 0 < bundle.manifest.scores["macro_f1"] <= 1
    bundle.save(tmp_path / "m")
    assert Bundle.load(tmp_path / "m").manifest.scores == bundle.manifest.scores


@pytest.mark.parametrize(
    ("option", "said"), [({"model": "svm"}, "choose from"), ({"features": ["bass"]}, "no feature family 'bass'")]
)
def test_a_request_that_makes_no_sense_is_refused_in_a_line(option, said):
    with pytest.raises(RequestError, match=said):
        genreclf.train(made_up_table(), **option)


def test_the_commands_train_and_predict(music, tmp_path):
    from typer.testing import CliRunner

    from genreclf.cli import app

    folder, table, _ = music
    table.write(tmp_path / "music.csv")
    runner, model = CliRunner(), str(tmp_path / "m.genreclf")
    done = runner.invoke(app, ["train", str(tmp_path / "music.csv"), "--model", "logreg", "-o", model])
    assert done.exit_code == 0
    assert "logreg for hiss, hum; 12 tracks" in done.stdout
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"not a sound")
    wanted = [str(folder / "hum00.wav"), str(folder / "hiss01.wav"), str(bad)]
    csv = tmp_path / "out.csv"
    done = runner.invoke(app, ["predict", model, *wanted, "--json", "--jobs", "1", "--csv", str(csv)])
    assert done.exit_code == 1, done.output
    rows = {row["path"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert [rows[path]["genre"] for path in wanted] == ["hum", "hiss", None]
    assert rows[str(bad)]["error"]["code"] == "unreadable"
    assert set(rows[wanted[0]]) == {
        *("path", "genre", "confidence", "unlike_training", "silent", "set"),
        *("probabilities", "model", "seconds", "error"),
    }
    assert len(pd.read_csv(csv)) == 3
    done = runner.invoke(app, ["predict", model, wanted[0], "--segments", "--jobs", "1"])
    assert done.exit_code == 0
    assert "0:00" in done.stdout


@pytest.mark.parametrize("model", ["svc", "logreg"])
def test_a_genre_of_one_artist_is_trained_and_calibrated_like_others(model):
    from dataclasses import replace

    table = made_up_table()
    frame = table.frame.copy()
    frame.loc[frame["genre"] == "genre0", "artist"] = "nobody else"
    lone = replace(table, frame=frame)
    said = Predictor(genreclf.train(lone, model=model, calibrate=True)).predict_table(lone)
    own = [said.loc[frame["genre"] == genre, genre].mean() for genre in lone.genres]
    assert min(own) > 0.7


@pytest.mark.parametrize("model", ["svc", "rf", "logreg"])
def test_genres_that_look_like_numbers_are_texts(model, tmp_path, monkeypatch):
    from dataclasses import replace

    from sklearn.ensemble import RandomForestClassifier

    from genreclf.models import MODELS

    forest = replace(MODELS["rf"], factory=lambda seed: RandomForestClassifier(n_estimators=3, random_state=seed))
    monkeypatch.setitem(MODELS._entries, "rf", forest)
    table = made_up_table()
    table = replace(table, frame=table.frame.assign(genre=["10", "2", "007"] * 40))
    genreclf.train(table, model=model).save(tmp_path / "m")
    predictor = genreclf.load(tmp_path / "m")
    assert predictor.genres == ("007", "10", "2")
    assert set(predictor.predict_table(table)["genre"]) == {"007", "10", "2"}


def test_probabilities_are_calibrated_on_folds_that_know_every_genre_and_part_artists_where_that_can_be():
    from dataclasses import replace

    from genreclf.training import calibration_folds

    table = made_up_table()
    frame = table.frame.copy()
    frame.loc[frame["genre"] == "genre0", "artist"] = "nobody else"
    folds = calibration_folds(replace(table, frame=frame), folds=5, seed=42)
    artists = frame["artist"].to_numpy()
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(table)))
    for train, test in folds:
        assert set(table.y[train]) == set(table.genres)
        assert set(artists[train]) & set(artists[test]) <= {"nobody else"}


def test_a_model_that_cannot_answer_says_so_in_a_line():
    table = made_up_table()
    predictor = Predictor(genreclf.train(table, model="logreg"))
    wrong = FeatureTable(table.frame.assign(mfcc_mean_01=np.nan), table.features)
    with pytest.raises(RequestError, match="track 't00000' has no value in column 'mfcc_mean_01'"):
        predictor.predict_table(wrong)
    base_estimator(predictor.bundle.estimator).named_steps["model"].coef_[:] = 1e308
    with pytest.raises(RequestError, match="no probabilities"), np.errstate(all="ignore"):
        predictor.predict_table(table)


def test_no_genre_can_steer_the_terminal(music, tmp_path):
    from dataclasses import replace

    from typer.testing import CliRunner

    from genreclf.cli import app

    folder, table, _ = music
    evil = "\x1b]0;title\x07\x9b2J\u202e"
    frame = table.frame.assign(genre=[evil if genre == "hum" else genre for genre in table.y])
    evil_table, model = replace(table, frame=frame), str(tmp_path / "m")
    evil_table.write(tmp_path / "music.csv")
    runner = CliRunner()
    path = str(folder / "hum00.wav")
    asked = [
        ["train", str(tmp_path / "music.csv"), "--model", "logreg", "-o", model],
        ["predict", model, path, "--segments", "--jobs", "1"],
        ["predict", model, path, "--json", "--jobs", "1"],
    ]
    for command in asked:
        done = runner.invoke(app, command)
        assert done.exit_code == 0, done.output
        assert all(c.isprintable() or c == "\n" for c in done.output)
    assert json.loads(done.stdout)["genre"] == evil


def test_a_seed_that_no_generator_takes_is_refused_before_training(made_table):
    for seed in (-1, 2**32):
        with pytest.raises(RequestError, match=f"^a seed of {seed} makes no sense"):
            genreclf.train(made_table, model="logreg", seed=seed)


def test_to_scikit_learn_a_predictor_is_a_classifier_of_paths(music):
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import Pipeline

    folder, table, model = music
    predictor = genreclf.load(model, min_confidence=0.01, jobs=1)
    assert is_classifier(predictor)
    paths = np.array([str(folder / name) for name in table.frame["path"]], dtype=object)
    again = clone(predictor)
    assert again.get_params()["min_confidence"] == 0.01
    pipeline = Pipeline([("genre", again)])
    found = cross_val_predict(pipeline, paths, table.y, cv=2)
    assert (found == table.y).mean() >= 0.75
    fitted = pipeline.fit(paths[:8], ["a", "b"] * 4)
    assert list(fitted.classes_) == ["a", "b"]
    assert set(fitted.predict(paths)) <= {"a", "b"}
    assert predictor.genres == ("hiss", "hum")


def test_a_track_below_the_confidence_is_unknown_and_says_how_sure_it_was(music):
    folder, table, model = music
    path = folder / table.frame["path"][0]
    plain = genreclf.load(model)._all(path, 1)[0]
    assert plain.genre == "hum"
    assert plain.confidence == plain.probabilities["hum"]
    assert 0 <= plain.unlike_training <= 100
    assert plain.genre_set is None
    careful = genreclf.load(model, min_confidence=(1 + plain.confidence) / 2)
    found = careful._all(path, 1)[0]
    assert (found.genre, found.unknown, found.confidence) == ("unknown", True, plain.confidence)


def test_a_set_holds_the_predicted_genre_and_grows_with_its_level(music):
    folder, table, model = music
    path = folder / table.frame["path"][0]
    sets = [set(genreclf.load(model, set_coverage=level)._all(path, 1)[0].genre_set) for level in (0.1, 0.5, 0.995)]
    assert {"hum"} <= sets[0] <= sets[1] <= sets[2] == {"hiss", "hum"}


def test_coverage_takes_the_confidence_that_so_many_held_out_tracks_reach(music):
    predictor = genreclf.load(music[2], coverage=0.8)
    assert predictor.threshold == predictor.manifest.held_out.thresholds[80]
    assert predictor.threshold >= genreclf.load(music[2], coverage=0.9).threshold


@pytest.mark.parametrize(
    "options", [{"min_confidence": 1.5}, {"coverage": 0.0}, {"min_confidence": 0.5, "coverage": 0.5}]
)
def test_options_that_make_no_sense_get_one_line(music, options):
    with pytest.raises(RequestError):
        genreclf.load(music[2], **options)


def test_silence_and_nearly_silence_are_said_as_that(music, tmp_path):
    rng = np.random.default_rng(0)
    for name, samples in (
        ("silence", np.zeros(RATE)),
        ("offset", np.full(RATE, 0.3)),
        ("hiss", rng.normal(0, 3e-4, RATE)),
    ):
        soundfile.write(tmp_path / f"{name}.wav", samples.astype(np.float32), RATE)
        found = genreclf.load(music[2])._all(tmp_path / f"{name}.wav", 1)[0]
        assert (found.genre, found.silent, found.unknown) == ("unknown", True, True), name
    assert not genreclf.load(music[2])._all(music[0] / "hum00.wav", 1)[0].silent


def test_bytes_open_files_and_samples_are_predicted_as_the_file_is(music):
    folder, table, model = music
    path = folder / table.frame["path"][0]
    predictor = genreclf.load(model)
    wanted = predictor.predict_proba(path)[0]
    samples, rate = soundfile.read(path, dtype="float32")
    with path.open("rb") as file:
        given = [path.read_bytes(), file, (samples, rate), path]
        np.testing.assert_array_equal(predictor.predict_proba(given), [wanted] * 4)
    assert predictor.predict((samples, rate)).tolist() == predictor.predict(path).tolist()
    with pytest.raises(TrackError, match="bytes: not a sound file"):
        predictor.predict(b"no music")


def test_opening_a_model_needs_no_library_of_models_and_what_is_wrong_with_it_touches_nothing(music, tmp_path):
    folder, table, model = music
    code = "import sys; from genreclf.loading import load; print(load(sys.argv[1]).genres, 'sklearn' in sys.modules)"
    command = [sys.executable, "-c", code, str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout == "('hiss', 'hum') False\n"

    bundle = Bundle.load(model)
    stale = msgspec.structs.replace(bundle.manifest, probe_probabilities=((0.5, 0.5),) * 5)
    Bundle(bundle.estimator, stale).save(tmp_path / "stale.genreclf")
    opened = load(tmp_path / "stale.genreclf")
    (tmp_path / "lists").mkdir()
    with pytest.raises(RequestError, match="does not predict as it did"):
        list(genreclf.Batch(opened, [folder], output=tmp_path / "rows.csv", playlists=tmp_path / "lists"))
    with pytest.raises(RequestError, match="does not predict as it did"):
        list(load(tmp_path / "stale.genreclf").stream([folder / table.frame["path"][0]]))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["lists", "stale.genreclf"]
