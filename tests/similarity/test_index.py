"""Similarity: neighbours by known geometry, hubs measured and reduced, indexes that survive disk and malice."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import made_up_table

import genreclf
from genreclf.archive import dump_array, load_array, read_container, write_container
from genreclf.errors import RequestError
from genreclf.similarity.hubness import mutual_proximity, occurrence_skew, pairwise
from genreclf.similarity.index import KIND, Index
from genreclf.similarity.metrics import METRICS
from genreclf.tables.labels import Tags


def tagged(table):
    """The table with the genre as the tag of each track, and one that half of them have."""
    return table.with_tags(Tags.of([[genre, "half"][: 1 + row % 2] for row, genre in enumerate(table.y)]))


@pytest.mark.parametrize("metric", METRICS)
def test_neighbours_are_those_of_a_plain_sort(made_table, metric):
    index = genreclf.build_index(tagged(made_table), metric=metric)
    points = index.points.astype(np.float64)
    for row in (0, 17, 119):
        distances = np.linalg.norm(points - points[row], axis=1)
        order = [i for i in np.argsort(distances, kind="stable") if i != row][:7]
        found = index.query(made_table.ids[row], 7)
        np.testing.assert_allclose(found["distance"], distances[order], atol=1e-3)
        assert len(set(found["track_id"]) & set(made_table.ids[order])) >= 6
        assert made_table.ids[row] not in set(found["track_id"])


def test_features_find_their_own_track_first_at_no_distance(made_table):
    index = genreclf.build_index(made_table)
    found = index.query(made_table.X[5], 3)
    assert found["track_id"].iloc[0] == made_table.ids[5]
    assert found["distance"].iloc[0] == pytest.approx(0, abs=1e-2)
    assert next(iter(found["genre"])) == made_table.y[5]


def test_no_feature_outweighs_others_by_its_unit(made_table):
    from dataclasses import replace

    frame = made_table.frame.copy()
    frame["mfcc_mean_01"] = 1e6 * frame["mfcc_mean_01"] + 5e8
    scaled = replace(made_table, frame=frame)
    first, second = (genreclf.build_index(t).query("t00003", 10) for t in (made_table, scaled))
    assert list(first["track_id"]) == list(second["track_id"])


def test_a_learned_metric_drops_features_that_tell_nothing():
    from dataclasses import replace

    table = made_up_table(features=6, tracks=300)
    rng = np.random.default_rng(0)
    noise = {f"noise_{i:02d}": rng.normal(size=300) for i in range(60)}
    frame = table.frame.assign(**noise)
    noisy = replace(table, frame=frame, features=(*table.features, *noise))

    def hits(metric):
        index = genreclf.build_index(noisy, metric=metric)
        near, _ = index.neighbours(index.points, 11)
        return np.mean(table.y[near[:, 1:]] == table.y[:, None])

    assert hits("lda") > hits("euclidean") + 0.05


def test_the_skew_of_evenly_spread_and_of_hub_neighbours():
    ring = np.array([[(i - 1) % 50, (i + 1) % 50] for i in range(50)])
    assert occurrence_skew(ring, 50) == 0
    star = np.zeros((50, 1), dtype=int)
    counts = np.array([50.0] + [0.0] * 49)
    z = (counts - counts.mean()) / counts.std()
    assert occurrence_skew(star, 50) == pytest.approx((z**3).mean())


def test_mutual_proximity_reduces_the_hubs_of_many_dimensions():
    table = made_up_table(tracks=400, features=120, spread=0.0, artist_spread=0.0)
    plain = genreclf.build_index(table)
    reduced = genreclf.build_index(table, hubness="mutual-proximity")
    assert plain.skew > 1.0
    assert reduced.skew < 0.5 * plain.skew


def test_mutual_proximity_is_the_product_of_two_normal_tails():
    from scipy.stats import norm

    spread, other = np.array([[2.0, 0.5]]), np.array([[3.0, 1.0], [1.0, 0.2]])
    found = mutual_proximity(np.array([[1.5, 2.5]]), spread, other)
    expected = [norm.sf(1.5, 2, 0.5) * norm.sf(1.5, 3, 1), norm.sf(2.5, 2, 0.5) * norm.sf(2.5, 1, 0.2)]
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)


@settings(max_examples=50)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 8), st.integers(0, 9))
def test_distances_by_matrix_product_are_distances(rows, columns, width, seed):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(rows, width)), rng.normal(size=(columns, width))
    np.testing.assert_allclose(pairwise(A, B), np.linalg.norm(A[:, None] - B, axis=2), atol=1e-6)


@pytest.mark.parametrize("hubness", ["none", "mutual-proximity"])
def test_blocks_do_not_change_the_neighbours(made_table, monkeypatch, hubness):
    index = genreclf.build_index(made_table, hubness=hubness)
    whole = index.neighbours(index.points, 5)
    monkeypatch.setattr("genreclf.similarity.hubness.BLOCK_BYTES", 8 * len(index) * 7)
    parts = index.neighbours(index.points, 5)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_allclose(whole[1], parts[1], atol=1e-3)


@pytest.mark.parametrize("hubness", ["none", "mutual-proximity"])
@pytest.mark.parametrize("metric", METRICS)
def test_an_index_finds_the_same_after_a_round_trip(made_table, tmp_path, metric, hubness):
    index = genreclf.build_index(tagged(made_table), metric=metric, hubness=hubness)
    index.save(tmp_path / "index")
    loaded = Index.load(tmp_path / "index")
    for asked in ("t00004", made_table.X[9]):
        assert loaded.query(asked, 5).equals(index.query(asked, 5))
    assert loaded.skew == index.skew


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "cosine"}, "euclidean, lda, nca"),
        ({"hubness": "less"}, "none, mutual-proximity"),
        ({"approximate": True, "hubness": "mutual-proximity"}, "exact search"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_in_a_line(made_table, options, message):
    with pytest.raises(RequestError, match=message):
        genreclf.build_index(made_table, **options)


def test_what_cannot_be_asked_is_refused_in_a_line(made_table):
    index = genreclf.build_index(made_table)
    with pytest.raises(RequestError, match="no such file"):
        index.query("nobody")
    with pytest.raises(RequestError, match="at least one"):
        index.query("t00000", 0)
    with pytest.raises(RequestError, match="no such file"):
        index.query("x" * 5000)
    assert len(index.query("t00000", 10_000)) == len(made_table) - 1


def test_values_too_large_to_standardise_are_refused_with_their_column(made_table):
    from dataclasses import replace

    wild = replace(made_table, frame=made_table.frame.assign(mfcc_mean_02=made_table.X[:, 1] * 1e300))
    for make in (genreclf.build_index, genreclf.train):
        with pytest.raises(RequestError, match=r"'mfcc_mean_02'.*too large"):
            make(wild)


def test_an_altered_index_is_refused_in_a_line(made_table, tmp_path):
    path = tmp_path / "index"
    genreclf.build_index(made_table).save(path)
    members = read_container(path, KIND)
    plain = json.loads(members["index.json"])
    objects = b"\x93NUMPY\x01\x00F\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(80) + b"\x80."
    for change in (
        {"points.npy": objects},
        {"points.npy": dump_array(load_array(members["points.npy"])[:-1])},
        {"index.json": json.dumps(plain | {"metric": "eval"}).encode()},
        {"index.json": json.dumps(plain | {"format": 99}).encode()},
        {"index.json": json.dumps(plain | {"tracks": {"track_id": [1] * 120}}).encode()},
        {"index.json": b"{}"},
        {"index.json": json.dumps(plain | {"skew": 10**400}).encode()},
        {"index.json": json.dumps(plain | {"feature_parameters": {"offset": "0"}}).encode()},
        {"index.json": json.dumps(plain | {"feature_set": "\ud800"}).encode()},
        {"index.json": b'{"tracks": [' + b"[]," * 300_000 + b"0]}"},
        {"space.npy": dump_array(load_array(members["space.npy"]) * np.nan)},
        {"space.npy": dump_array(load_array(members["space.npy"]) * 0)},
        {"space.npy": dump_array(load_array(members["space.npy"])[:1])},
        {"points.npy": dump_array(load_array(members["points.npy"]) * np.float32(1e30))},
    ):
        import hashlib

        changed = members | change
        if "index.json" not in change:
            digests = {n: hashlib.sha256(d).hexdigest() for n, d in changed.items() if n != "index.json"}
            changed["index.json"] = json.dumps(plain | {"sha256": digests}).encode()
        write_container(path, KIND, changed)
        with pytest.raises(RequestError) as refused:
            Index.load(path)
        assert "\n" not in str(refused.value)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(RequestError, match="damaged"):
        Index.load(path)


def test_the_commands_index_and_find(made_table, tmp_path):
    from typer.testing import CliRunner

    from genreclf.cli import app

    made_table.write(tmp_path / "t.csv")
    runner, path = CliRunner(), str(tmp_path / "t.index")
    done = runner.invoke(app, ["index", str(tmp_path / "t.csv"), "-o", path, "--metric", "lda"])
    assert done.exit_code == 0
    assert "120 tracks, metric lda" in done.stdout
    done = runner.invoke(app, ["similar", path, "t00003", "-k", "4", "--json"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 4
    assert {"distance", "track_id", "genre", "artist"} <= rows[0].keys()
    assert runner.invoke(app, ["similar", path, "t00003"]).exit_code == 0


def test_a_table_without_genres_is_indexed_and_no_more(made_table, tmp_path):
    made_table.with_frame(made_table.frame.assign(genre=""), made_table.features).write(tmp_path / "t.csv")
    table = genreclf.FeatureTable.read(tmp_path / "t.csv")
    near = genreclf.build_index(table).query("t00003", k=4)
    assert near["track_id"].tolist() == genreclf.build_index(made_table).query("t00003", k=4)["track_id"].tolist()
    for metric in ("lda", "nca"):
        with pytest.raises(RequestError, match="needs two genres or more"):
            genreclf.build_index(table, metric=metric)
    for refused in (genreclf.benchmark, genreclf.train):
        with pytest.raises(RequestError, match=r"^t: column 'genre': no track has a genre$"):
            refused(table)


@pytest.mark.parametrize("columns", [["title"], ["artist", "title"], ["artist"], []])
def test_tracks_are_shown_by_what_is_known_and_their_names_cannot_steer_the_terminal(made_table, tmp_path, columns):
    from dataclasses import replace

    from typer.testing import CliRunner

    from genreclf.cli import app

    evil = "\x1b[31mred\x9b2J\x07"
    frame = made_table.frame.drop(columns="artist").assign(genre=[evil, "rock"] * 60, **dict.fromkeys(columns, evil))
    index = genreclf.build_index(replace(made_table, frame=frame))
    index.save(tmp_path / "t.index")
    for options in ([], ["--json"]):
        done = CliRunner().invoke(app, ["similar", str(tmp_path / "t.index"), "t00003", "-k", "10", *options])
        assert done.exit_code == 0, done.output
        assert all(c.isprintable() or c == "\n" for c in done.stdout)
    assert evil in {json.loads(line)["genre"] for line in done.stdout.splitlines()}
