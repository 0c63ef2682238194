"""The tagger in the box: a network's own tags through everything that predictions go through."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from made_sounds import music

import genreclf
from genreclf.errors import RequestError
from genreclf.features.embeddings import vectors
from genreclf.network_tagging import THRESHOLD
from genreclf.networks import NETWORKS

pytestmark = pytest.mark.usefixtures("in_this_process")
TAGS = NETWORKS["musicnn:msd"].tags


@pytest.fixture
def track(tmp_path, made_weights):
    soundfile.write(tmp_path / "a.wav", music(3.0, rate=16000), 16000)
    return tmp_path / "a.wav"


def write_map(path, **genres):
    rows = [f"{tag},{genre}" for genre, tags in genres.items() for tag in tags.split("|")]
    path.write_text("\n".join(["tag,name", *rows]) + "\n")
    return path


def test_the_tags_are_those_of_the_network_and_stand_where_they_reach_the_threshold(track, command_line):
    samples, _ = soundfile.read(track, dtype="float32")
    expected = dict(zip(TAGS, vectors(samples, output="tags").mean(axis=0).tolist(), strict=True))
    code, out, _ = command_line("predict", "musicnn:msd", track, "--json")
    assert code == 0
    row = json.loads(out)
    assert row["probabilities"] == pytest.approx(expected, abs=1e-5)
    assert set(row["tags"]) == {tag for tag, value in expected.items() if value >= THRESHOLD}
    assert set(row["thresholds"].values()) == {THRESHOLD}
    assert row["model"].startswith("musicnn:msd-")
    assert genreclf.load("musicnn:msd", min_confidence=0.9).thresholds.tolist() == [0.9] * 50


def test_a_mapping_gives_one_genre_by_its_most_probable_tag(track, tmp_path):
    samples, _ = soundfile.read(track, dtype="float32")
    found = dict(zip(TAGS, vectors(samples, output="tags").mean(axis=0).tolist(), strict=True))
    mapping = write_map(tmp_path / "map.csv", loud="rock|metal|punk", soft="ambient|acoustic")
    scores = [max(found[tag] for tag in tags) for tags in (("rock", "metal", "punk"), ("ambient", "acoustic"))]
    (prediction,) = genreclf.load("musicnn:msd", mapping=mapping).stream([track])
    assert prediction.genre == ("loud", "soft")[int(np.argmax(scores))]
    assert prediction.genres == ("loud", "soft")
    assert prediction.confidence == pytest.approx(max(scores) / sum(scores), abs=1e-5)
    given = genreclf.load("musicnn:msd", mapping={"rock": "loud", "ambient": "soft", "jazz": ""}, min_confidence=0.999)
    assert next(iter(given.stream([track]))).unknown


def test_a_genre_of_which_no_tag_reaches_the_threshold_is_unknown(track):
    predictor = genreclf.load("musicnn:msd", mapping={"rock": "a", "pop": "b"})
    predictor.least = 0.999
    (prediction,) = predictor.stream([track])
    assert (prediction.genre, prediction.unknown, prediction.labels) == ("unknown", True, ())


@pytest.mark.workers
def test_tables_and_playlists_take_what_a_network_predicts(track, tmp_path, command_line):
    rows, lists = tmp_path / "rows.csv", tmp_path / "lists"
    assert command_line("predict", "musicnn:msd", track, "-o", rows, "--playlists", lists)[0] == 0
    header, row = rows.read_text().splitlines()
    assert header.split(",")[0] == "path"
    assert len(row.split(",")) > 50
    assert list(lists.glob("*.m3u8"))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"mapping": {"Rock": "a", "pop": "b"}}, "unknown tag of musicnn:msd 'Rock'.*did you mean 'rock'"),
        ({"mapping": {"rock": "a", "pop": "a"}}, "names fewer than two genres"),
        ({"mapping": "none.csv"}, "none.csv"),
        ({"coverage": 0.8}, "coverage and sets need held-out predictions"),
        ({"min_confidence": 2.0}, "choose a share between 0 and 1"),
    ],
)
def test_requests_that_make_no_sense_are_one_line(made_weights, options, line):
    with pytest.raises(RequestError, match=line) as caught:
        genreclf.load("musicnn:msd", **options)
    assert "\n" not in str(caught.value)


def test_a_network_without_tags_and_a_model_with_a_mapping_are_refused(tmp_path, monkeypatch):
    with pytest.raises(RequestError, match="vggish:audioset knows no tags"):
        genreclf.load("vggish:audioset")
    with pytest.raises(RequestError, match="unknown network 'musicnn:mdd'"):
        genreclf.load("musicnn:mdd")
    with pytest.raises(RequestError, match="only the tags of a network are mapped"):
        genreclf.load("music.genreclf", mapping={"rock": "a"})
    monkeypatch.setenv("GENRECLF_WEIGHTS", str(tmp_path))
    with pytest.raises(RequestError, match="genreclf weights fetch musicnn:mtt"):
        genreclf.load("musicnn:mtt")
