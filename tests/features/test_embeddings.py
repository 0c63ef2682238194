"""Embeddings as features: patches, columns, cache, models, and the yardstick of verification."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from made_networks import musicnn_variables, plain_musicnn
from made_sounds import music

import genreclf
from genreclf.errors import RequestError
from genreclf.features import describe, describe_plainly, find_feature_set, logmel, plain_librosa
from genreclf.features.embeddings import vectors
from genreclf.networks import NETWORKS, card_file

pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("name", ["musicnn:msd", "vggish:audioset"])
@pytest.mark.parametrize("seconds", [0.1, 1.0, 7.3])
def test_patches_are_those_of_librosa(name, seconds):
    card, sound = NETWORKS[name], music(8, rate=16000)[: int(16000 * seconds)]
    found = logmel.patches(sound, card)
    plainly = logmel.patches(sound, card, log_mel=plain_librosa.log_mel)
    length = card.input.frames * card.input.hop_length
    assert found.shape == (max(1, int(seconds * 16000 // length)), card.input.frames, card.input.n_mels)
    np.testing.assert_allclose(found, plainly, atol=2e-4)


def test_a_sine_is_in_its_band_and_a_short_track_is_repeated():
    card = NETWORKS["vggish:audioset"]
    sound = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    mels = 1127 * np.log1p(np.array([125.0, 7500.0, 1000.0]) / 700)
    band = round((mels[2] - mels[0]) / (mels[1] - mels[0]) * 65) - 1
    assert (logmel.patches(sound, card)[0].argmax(axis=1) == band).all()
    short = logmel.patches(sound[:4000], card)
    assert short.shape == (1, 96, 64)
    np.testing.assert_array_equal(short[0, :23], short[0, 23:46])


def test_the_columns_are_mean_and_standard_deviation_over_the_patches(made_weights):
    sound = music(6.5, rate=16000)
    series = vectors(sound)
    assert series.shape == (2, 200)
    row = describe(sound, 16000, feature_set="musicnn+musicnn-tags")
    assert len(row) == 450
    np.testing.assert_allclose(
        [row[f"musicnn_mean_{k:02d}"] for k in (1, 200)], series.mean(axis=0)[[0, -1]], rtol=1e-6
    )
    np.testing.assert_allclose([row[f"musicnn_std_{k:02d}"] for k in (1, 200)], series.std(axis=0)[[0, -1]], rtol=1e-6)
    tags, _ = plain_musicnn(musicnn_variables(), logmel.patches(sound, NETWORKS["musicnn:msd"])[0])
    np.testing.assert_allclose(vectors(sound, output="tags")[0], tags, atol=1e-4)


def test_a_joined_set_gives_each_family_its_own_rate(made_weights):
    sound = music(3.2, rate=22050)
    assert find_feature_set("tempo+musicnn").sample_rate is None
    both = describe(sound, 22050, feature_set="tempo+musicnn")
    assert both == describe(sound, 22050, feature_set="tempo") | describe(sound, 22050, feature_set="musicnn")


def test_silence_and_noise_of_any_length_are_finite(made_weights):
    for sound in (np.zeros(1600), np.zeros(60000), np.random.default_rng(0).uniform(-1, 1, 50000)):
        assert np.isfinite(list(describe(sound, 16000, feature_set="musicnn").values())).all()


@pytest.fixture
def tracks(tmp_path):
    for genre, base in (("low", 110.0), ("high", 880.0)):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(3):
            sound = 0.3 * np.sin(2 * np.pi * base * (1 + number / 10) * np.arange(16000) / 16000)
            soundfile.write(tmp_path / "music" / genre / f"{number}.wav", sound, 16000)
    return tmp_path / "music"


def test_a_table_of_embeddings_is_resumed_and_trained_on_and_not_mixed_with_other_weights(
    made_weights, tracks, tmp_path, monkeypatch
):
    table, saved = tmp_path / "t.csv", tmp_path / "m.genreclf"
    assert genreclf.extract(tracks, table, feature_set="musicnn", jobs=1).computed == 6
    assert genreclf.extract(tracks, table, jobs=1).reused == 6
    meta = json.loads(table.with_suffix(".json").read_text())
    assert meta["weights"].keys() == {"musicnn:msd"}
    assert meta["parameters"]["sample_rate"] == 16000
    genreclf.train(genreclf.FeatureTable.read(table), model="logreg", calibrate=False).save(saved)
    assert genreclf.load(saved).predict([tracks / "low" / "0.wav"])[0] == "low"
    other = tmp_path / "weights"
    other.mkdir()
    for place in made_weights.glob("musicnn*"):
        (other / place.name).write_bytes(place.read_bytes())
    monkeypatch.setenv("GENRECLF_WEIGHTS", str(other))
    place = card_file(NETWORKS["musicnn:msd"])
    place.write_text(json.dumps(json.loads(place.read_text()) | {"digest": "0" * 64}))
    with pytest.raises(RequestError, match="was made with weights musicnn:msd"):
        genreclf.extract(tracks, table, jobs=1)
    with pytest.raises(RequestError, match="other weights of musicnn:msd"):
        genreclf.load(saved).predict([tracks / "low" / "0.wav"])


def test_the_yardstick_is_librosa_and_the_plain_operators(made_weights):
    sound = music(3.5, rate=16000)
    row, plainly = (make(sound, 16000, feature_set="musicnn") for make in (describe, describe_plainly))
    assert row.keys() == plainly.keys()
    np.testing.assert_allclose(list(row.values()), list(plainly.values()), atol=1e-4)


def test_without_weights_the_line_says_how_to_get_them(tracks, tmp_path, monkeypatch):
    monkeypatch.setenv("GENRECLF_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(RequestError, match="not on this machine: genreclf weights fetch musicnn:msd"):
        genreclf.extract(tracks, tmp_path / "t.csv", feature_set="texture+musicnn")
    assert not (tmp_path / "t.csv").exists()
    with pytest.raises(RequestError, match="genreclf weights fetch vggish:audioset"):
        genreclf.extract_features(tracks / "low" / "0.wav", feature_set="vggish")
