"""Weights: fetched from a server on loopback, converted, added, removed; and what the networks then give."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_networks import (
    musicnn_variables,
    plain_musicnn,
    plain_vggish,
    version_1,
    vggish_variables,
    wheel,
    whitening,
)

from genreclf import weights
from genreclf.datasets.dataset import Archive
from genreclf.errors import RequestError
from genreclf.networks import NETWORKS, installed, onnx_file, run_network
from genreclf.networks import installed as ready

if TYPE_CHECKING:
    from made_server import Server

pytest.importorskip("onnxruntime")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GENRECLF_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def published(name: str, content: bytes, server: Server) -> Archive:
    server.files[f"/{name}"] = content
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Archive(name, (f"{server.address}/{name}",), digest, "8 MiB", holds=name)


@pytest.fixture
def musicnn_source(server, monkeypatch):
    archive = published("musicnn.whl", wheel(musicnn_variables()), server)
    for name in ("musicnn:msd", "musicnn:mtt"):
        monkeypatch.setitem(weights.SOURCES, name, replace(weights.SOURCES[name], archives=(archive,)))
    return archive


def test_musicnn_is_fetched_where_it_stopped_and_gives_the_published_layers(server, folder, musicnn_source, capsys):
    with pytest.raises(RequestError, match="genreclf weights fetch musicnn:msd"):
        ready("musicnn:msd")
    server.breaks = [1_000_000, 500_000]
    weights.fetch("musicnn:msd")
    assert [wanted for _, wanted in server.asked] == ["", "bytes=1000000-", "bytes=1500000-"]
    assert not list((folder / "downloads").glob("*.whl"))
    patch = np.random.default_rng(1).uniform(0, 3, size=(1, 187, 96)).astype(np.float32)
    found = run_network("musicnn:msd", patch)
    tags, hidden = plain_musicnn(musicnn_variables(), patch[0])
    np.testing.assert_allclose(found["embedding"][0], hidden, atol=1e-4)
    np.testing.assert_allclose(found["tags"][0], tags, atol=1e-5)
    weights.fetch("musicnn:msd")
    assert len(server.asked) == 3
    assert weights.remove("musicnn:msd")
    assert not weights.remove("musicnn:msd")


def test_other_weights_have_another_digest_and_the_same_ones_the_same(folder, tmp_path, monkeypatch):
    digests = []
    for seed in (0, 0, 1):
        path = tmp_path / f"{len(digests)}.whl"
        path.write_bytes(wheel(musicnn_variables(seed)))
        source = weights.SOURCES["musicnn:mtt"]
        archive = replace(source.archives[0], checksum=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
        monkeypatch.setitem(weights.SOURCES, "musicnn:mtt", replace(source, archives=(archive,)))
        weights.convert("musicnn:mtt", [path])
        digests.append(installed("musicnn:mtt").digest)
    assert digests[0] == digests[1] != digests[2]


def test_vggish_is_fetched_and_gives_the_published_numbers(server, folder, monkeypatch):
    variables, white = vggish_variables(), whitening()
    arrays = io.BytesIO()
    np.savez(arrays, **white)
    archives = (
        published("vggish_model.ckpt", version_1(variables), server),
        published("vggish_pca_params.npz", arrays.getvalue(), server),
    )
    source = replace(weights.SOURCES["vggish:audioset"], archives=archives)
    monkeypatch.setitem(weights.SOURCES, "vggish:audioset", source)
    weights.fetch("vggish:audioset")
    patches = np.random.default_rng(1).normal(size=(3, 96, 64)).astype(np.float32)
    found = run_network("vggish:audioset", patches)["embedding"]
    expected = np.array([plain_vggish(variables, white, patch) for patch in patches])
    # Where a value lies on the edge of a step, rounding may take the one beside it.
    assert np.mean(found != expected) < 0.01
    assert np.abs(found - expected).max() <= 1
    assert expected.std() > 30


def test_what_is_not_the_published_file_is_refused(folder, tmp_path, command_line):
    other = tmp_path / "other.whl"
    other.write_bytes(b"something else")
    with pytest.raises(RequestError, match="not the published musicnn"):
        weights.convert("musicnn:msd", [other])
    code, _, err = command_line("weights", "convert", "musicnn:msd", tmp_path / "none.whl")
    assert code == 2
    assert "none.whl: No such file" in err


def test_a_published_file_without_the_variables_is_one_line(server, folder, musicnn_source, monkeypatch):
    variables = musicnn_variables()
    del variables["dense/bias"]
    archive = published("musicnn.whl", wheel(variables), server)
    source = replace(weights.SOURCES["musicnn:msd"], archives=(archive,))
    monkeypatch.setitem(weights.SOURCES, "musicnn:msd", source)
    with pytest.raises(RequestError, match="cannot be converted: it holds no variable 'dense/bias'"):
        weights.fetch("musicnn:msd")


CARD = {
    "name": "mine",
    "title": "Mean and maximum",
    "trained_on": ["fma"],
    "training": "nothing",
    "licence": "CC0",
    "source": "here",
    "sample_rate": 16000,
    "samples": 4000,
    "outputs": {"embedding": 2},
}


def write_own(path, card=CARD, pools=("ReduceMean", "ReduceMax")):
    """A network that gives mean and maximum of 4000 samples."""
    from genreclf.weights.graph import Graph

    graph = Graph("own", (4000,))
    pooled = [graph.add(kind, graph.entry, axes=[1], keepdims=1) for kind in pools]
    graph.add("Concat", *pooled, axis=1, name="embedding")
    path.write_bytes(graph.encoded({"embedding": 2}))
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def test_a_network_of_ones_own_is_a_feature_set(folder, tmp_path):
    from genreclf.features import describe, find_feature_set

    weights.add(write_own(tmp_path / "own.onnx"))
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, size=16000).astype(np.float32)
    row = describe(sound, 16000, feature_set="mine")
    parts = sound.reshape(4, 4000)
    expected = [parts.mean(axis=1).mean(), parts.max(axis=1).mean(), parts.mean(axis=1).std(), parts.max(axis=1).std()]
    np.testing.assert_allclose(list(row.values()), expected, atol=1e-6)
    assert list(row) == ["mine_mean_01", "mine_mean_02", "mine_std_01", "mine_std_02"]
    assert find_feature_set("tempo+mine").weights() == {"mine": installed("mine").digest}
    weights.remove("mine")
    with pytest.raises(RequestError, match="unknown feature set 'mine'"):
        find_feature_set("mine")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"outputs": {"embedding": 3}}, r"gives embedding of shape \(2,\), not \(3,\)"),
        ({"samples": 0}, "either a spectrogram, input, or samples"),
        ({"name": "musicnn"}, "the name 'musicnn' is taken by musicnn:msd"),
        ({"name": "Mine!"}, "not the card of a network"),
        ({"outputs": {"logits": 2}}, "a network has embedding, tags or both"),
        ({"outputs": {"embedding": 2, "tags": 2}, "tags": ["a", "b"]}, "cannot run"),
        ({"spare": 1}, "not the card of a network"),
    ],
)
def test_a_card_that_does_not_fit_is_one_line_and_installs_nothing(folder, tmp_path, change, line):
    with pytest.raises(RequestError, match=line) as caught:
        weights.add(write_own(tmp_path / "own.onnx", CARD | change))
    assert "\n" not in str(caught.value)
    assert not list(folder.glob("*"))


def test_another_network_does_not_take_the_name_of_one_that_rows_were_made_with(folder, tmp_path):
    path = write_own(tmp_path / "own.onnx")
    weights.add(path)
    weights.add(path)
    path.write_bytes(path.read_bytes().replace(b"genreclf", b"otherclf"))
    with pytest.raises(RequestError, match="another network mine"):
        weights.add(path)
    with pytest.raises(RequestError, match="another network mine"):
        weights.add(write_own(tmp_path / "own.onnx", CARD | {"sample_rate": 8000}))
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    (tmp_path / "noise.json").write_text(json.dumps(CARD | {"name": "noise"}))
    with pytest.raises(RequestError, match="not a network that can be run"):
        weights.add(tmp_path / "noise.onnx")
    with pytest.raises(RequestError, match=r"a network needs a card beside it"):
        weights.add(tmp_path / "none.onnx")


def test_a_network_that_takes_the_place_of_a_removed_one_is_run_in_its_place(folder, tmp_path):
    patch = np.random.default_rng(0).normal(size=(1, 4000)).astype(np.float32)
    for name in ("ReduceMax", "ReduceMin"):
        weights.add(write_own(tmp_path / "own.onnx", pools=("ReduceMean", name)))
        second = run_network("mine", patch)["embedding"][0, 1]
        assert second == (patch.max() if name == "ReduceMax" else patch.min())
        weights.remove("mine")


def test_the_list_says_what_each_network_was_trained_on_and_what_is_here(folder, tmp_path, command_line):
    weights.add(write_own(tmp_path / "own.onnx"))
    _, out, _ = command_line("weights", "list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert set(rows) == {*NETWORKS, "mine"}
    assert rows["mine"]["installed"]
    assert not rows["musicnn:mtt"]["installed"]
    assert "Magnatune" in rows["musicnn:mtt"]["training"]
    assert onnx_file(installed("mine")).parent == folder


def test_extract_adds_a_network_of_ones_own_and_joins_its_family(folder, tmp_path):
    import soundfile

    from genreclf import extract

    soundfile.write(tmp_path / "a.wav", np.zeros(16000) + 0.25, 16000)
    done = extract([tmp_path / "a.wav"], tmp_path / "t.csv", onnx=write_own(tmp_path / "own.onnx"), jobs=1)
    assert done.computed == 1
    assert (tmp_path / "t.csv").read_text().splitlines()[0].endswith(",mine_std_01,mine_std_02")
