"""Large indexes: inverted lists find what a full search finds, grow, filter, and survive disk and malice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up_table
from typer.testing import CliRunner

import genreclf
from genreclf.cli import app
from genreclf.errors import RequestError
from genreclf.similarity.large_index import LargeIndex
from genreclf.similarity.lists import Lists, nearest_rows


@pytest.fixture(scope="module")
def table():
    return made_up_table(tracks=600)


@pytest.fixture(scope="module")
def stored(table, tmp_path_factory):
    place = tmp_path_factory.mktemp("large") / "index"
    genreclf.build_index(table, approximate=True).save(place)
    return place


@pytest.fixture
def copied(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "index")


def test_the_lists_hold_nearly_all_true_neighbours(table, stored):
    right = genreclf.build_index(table)
    index = genreclf.open_index(stored)
    assert isinstance(index, LargeIndex)
    assert 1 < index.lists.probes < len(index.lists.centres)
    shared = [len(set(index.query(i)["track_id"]) & set(right.query(i)["track_id"])) / 10 for i in table.ids[::5]]
    assert np.mean(shared) > 0.97


def test_exact_search_of_a_large_index_is_that_of_a_small_one(table, stored):
    right, index = genreclf.build_index(table), genreclf.open_index(stored)
    for asked in (*table.ids[:3], table.X[9]):
        expected, found = right.query(asked, 20), index.query(asked, 20, exact=True)
        assert list(found["track_id"]) == list(expected["track_id"])
        np.testing.assert_allclose(found["distance"], expected["distance"], atol=2e-2)
        assert (found["artist"] == expected["artist"]).all()
    assert index.skew == right.skew
    assert index.genre_counts() == right.genre_counts()


def test_points_that_are_equal_are_at_no_distance_at_all():
    points = np.full((50, 3), 1e4, dtype=np.float32)
    points[7:] += np.arange(43, dtype=np.float32)[:, None] + 1
    rows, distances = nearest_rows(points[0], 10, [(0, points, None)])
    assert rows[:7].tolist() == list(range(7))
    assert (distances[:7] == 0).all()
    np.testing.assert_allclose(distances[7:], np.sqrt(3) * np.arange(1, 4))


def test_equal_points_make_lists_of_which_most_stay_empty():
    made = Lists.fit(np.ones((200, 4), dtype=np.float32), seed=0)
    assert made.probes >= 1
    assert len(set(made.assign(np.ones((20, 4), dtype=np.float32)))) == 1


@pytest.mark.parametrize("approximate", [False, True])
def test_filters_keep_what_they_say_and_find_the_nearest_of_it(table, approximate):
    index = genreclf.build_index(table, approximate=approximate)
    everything = index.query("t00003", len(table), exact=True)
    artist, genre = table.frame["artist"][3], table.genres[1]
    others = index.query("t00003", 8, other_artists=True, exact=True)
    assert list(others["track_id"]) == list(everything[everything["artist"] != artist]["track_id"][:8])
    alike = index.query("t00003", 8, genre=genre, exclude_artist=artist, exact=True)
    expected = everything[(everything["genre"] == genre) & (everything["artist"] != artist)]
    assert list(alike["track_id"]) == list(expected["track_id"][:8])
    # A genre that is not among the nearest lists is still found, to its last track.
    assert len(index.query("t00003", len(table), genre=genre)) == len(everything[everything["genre"] == genre])
    with pytest.raises(RequestError, match=r"genre 'polka'$"):
        index.query("t00003", genre="polka")
    with pytest.raises(RequestError, match="`exclude_artist`"):
        index.query(table.X[0], other_artists=True)
    nameless = genreclf.build_index(
        table.with_frame(table.frame.drop(columns="artist"), table.features), approximate=approximate
    )
    with pytest.raises(RequestError, match="no artist"):
        nameless.query("t00003", exclude_artist="x")


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("metric", ["euclidean", "lda"])
def test_added_tracks_are_found_as_if_they_had_been_there(table, tmp_path, metric, approximate):
    first = genreclf.build_index(table.take(np.arange(400)), metric=metric, approximate=approximate)
    first.save(tmp_path / "index")
    grown = genreclf.open_index(tmp_path / "index").extend(table)  # of which 400 are there already
    grown.save(tmp_path / "index")
    read = genreclf.open_index(tmp_path / "index")
    assert len(read) == 600
    points = first.space(table.X)
    for row in (3, 599):
        distances = np.linalg.norm(points - points[row], axis=1)
        order = [i for i in np.argsort(distances, kind="stable") if i != row][:9]
        assert list(read.query(table.ids[row], 9, exact=True)["track_id"]) == list(table.ids[order])
    assert len(read.extend(table)) == 600


def test_what_has_other_features_is_not_added(table, stored):
    index = genreclf.open_index(stored)
    with pytest.raises(RequestError, match=r"column 'mfcc_mean_01' of the index is missing"):
        index.extend(table.with_frame(table.frame.drop(columns="mfcc_mean_01"), table.features[1:]))
    with pytest.raises(RequestError, match="not made as those"):
        index.extend(replace(table, meta={"feature_set": "fma"}))
    with pytest.raises(RequestError, match="not made as those"):
        index.extend(replace(table, meta={"weights": {"musicnn": "0" * 64}}))


def test_a_file_is_not_described_with_other_weights_than_the_index(table, tmp_path):
    columns = genreclf.features.FEATURE_SETS["mfcc"].columns[: len(table.features)]
    renamed = table.with_frame(table.frame.rename(columns=dict(zip(table.features, columns, strict=True))), columns)
    index = genreclf.build_index(replace(renamed, meta={"feature_set": "mfcc", "weights": {"net": "0" * 64}}))
    (tmp_path / "x.wav").write_bytes(b"")
    with pytest.raises(RequestError, match="other weights of net"):
        index.query(tmp_path / "x.wav")


def test_two_runs_that_add_at_once_lose_nothing(table, copied):
    new = table.with_frame(table.frame.assign(track_id="n" + table.frame["track_id"]), table.features)
    one, other = (genreclf.open_index(copied).extend(new.take(np.arange(n))) for n in (5, 9))
    one.save(copied)
    with pytest.raises(RequestError, match="add the tracks again"):
        other.save(copied)
    assert len(genreclf.open_index(copied)) == 605


def test_an_index_is_replaced_as_a_whole(table, copied):
    before = {path.name for path in copied.iterdir()}
    genreclf.build_index(table.take(np.arange(300)), approximate=True, seed=1).save(copied)
    after = {path.name for path in copied.glob("[!.]*")}
    assert len(genreclf.open_index(copied)) == 300
    assert len(after) == len({name for name in before if name[0] != "."})
    assert genreclf.open_index(copied).query("t00003").shape[0] == 10


def test_an_interrupted_write_leaves_the_old_index(table, copied, monkeypatch):
    grown = genreclf.open_index(copied).extend(
        table.with_frame(table.frame.assign(track_id="n" + table.frame["track_id"]), table.features)
    )
    with monkeypatch.context() as patched:
        patched.setattr("genreclf.similarity.large_index.json.dumps", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            grown.save(copied)
    assert len(genreclf.open_index(copied)) == 600
    grown.save(copied)
    assert len(genreclf.open_index(copied)) == 1200


def test_an_altered_large_index_is_refused_in_a_line(stored, tmp_path):
    plain = json.loads((stored / "index.json").read_text())
    arrays = {path.name.split(".")[1]: path.name for path in stored.glob("*.npy")}

    def changed(place, name):
        array = np.load(place / arrays[name])
        array.flat[array.size // 2] += 1
        np.save(place / arrays[name], array)

    def shorter(place, name):
        (place / arrays[name]).write_bytes((stored / arrays[name]).read_bytes()[:-3])

    cases = [lambda place, name=name: changed(place, name) for name in arrays]
    cases += [lambda place, name=name: shorter(place, name) for name in arrays]
    cases += [lambda place, name=name: (place / arrays[name]).unlink() for name in arrays]
    for key, value in {
        "format": 99,
        "columns": ["genre"],
        "probes": 10**6,
        "metric": "eval",
        "skew": 10**400,
        "sha256": plain["sha256"] | {"other": "0" * 64},
        "parts": [{"name": "../../../../x", "sha256": {}}],
        "features": plain["features"][:3],
    }.items():
        text = json.dumps(plain | {key: value})
        cases.append(lambda place, text=text: (place / "index.json").write_text(text))
    for number, damage in enumerate(cases):
        place = shutil.copytree(stored, tmp_path / str(number))
        damage(place)
        with pytest.raises(RequestError) as refused:
            genreclf.open_index(place).query("t00003", exact=True)
        assert "\n" not in str(refused.value)


def test_forged_lists_that_fit_their_digests_are_refused_or_answered(stored, tmp_path):
    for name, change in {
        "starts": lambda a: a[::-1].copy(),
        "offsets": lambda a: a * 0 - 1,
        "keys": lambda a: a[:, :-1],
        "points": lambda a: a * np.float32(np.nan),
        "digests": lambda a: a[:-1],
        "texts": lambda a: a * 0,
    }.items():
        index = genreclf.open_index(stored)
        part = index.parts[0]
        forged = replace(part, folder=None, **{name: np.ascontiguousarray(change(np.array(getattr(part, name))))})
        if name in ("points", "texts"):
            forged.digests.setflags(write=False)
            digests = np.array([np.frombuffer(forged.digest(n), dtype=np.uint8) for n in range(len(part.digests))])
            forged = replace(forged, digests=digests)
        replace(index, parts=(forged,)).save(tmp_path / name)
        with pytest.raises(RequestError) as refused:
            genreclf.open_index(tmp_path / name).query("t00003")
        assert "\n" not in str(refused.value)


def test_a_folder_of_something_else_is_not_touched(table, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="not a genreclf index"):
        genreclf.build_index(table, approximate=True).save(tmp_path)
    with pytest.raises(RequestError):
        genreclf.open_index(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_more_tracks_than_the_limit_make_a_large_index(table, monkeypatch):
    monkeypatch.setattr("genreclf.similarity.index.EXACT_LIMIT", 100)
    assert isinstance(genreclf.build_index(table), LargeIndex)
    for options in ({"approximate": False}, {"hubness": "mutual-proximity"}):
        assert not isinstance(genreclf.build_index(table, **options), LargeIndex)


def test_the_same_seed_makes_the_same_files(table, stored, tmp_path):
    genreclf.build_index(table, approximate=True).save(tmp_path / "again")
    for path in stored.glob("[!.]*"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_vectors_go_to_parquet_with_what_is_known_of_the_tracks(table, stored, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra parquet is not installed")
    done = CliRunner().invoke(app, ["index", str(stored), "-o", str(tmp_path / "v.parquet")])
    assert done.exit_code == 0, done.output
    read = parquet.read_table(tmp_path / "v.parquet")
    assert read.column_names[0] == "id"
    assert str(read.schema.field("vector").type) == "list<element: float>"
    frame = read.to_pandas().set_index("id").loc[table.ids]
    assert list(frame["genre"]) == list(table.y)
    expected = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    np.testing.assert_allclose(np.stack(frame["vector"]), expected, atol=1e-4)
    table.write(tmp_path / "t.csv")
    done = CliRunner().invoke(app, ["index", str(tmp_path / "t.csv"), "-o", str(tmp_path / "w.parquet")])
    assert "600 vectors of" in done.stdout
    with pytest.raises(RequestError, match=r"\.parquet"):
        genreclf.export_vectors(genreclf.open_index(stored), tmp_path / "v.csv")


def test_the_commands_append_and_filter(table, copied, tmp_path):
    new = table.with_frame(table.frame.assign(track_id="n" + table.frame["track_id"]), table.features)
    new.write(tmp_path / "new.csv")
    runner = CliRunner()
    done = runner.invoke(app, ["index", str(tmp_path / "new.csv"), "-o", str(copied), "--append"])
    assert "600 tracks added, 1200 in all" in done.stdout, done.output
    done = runner.invoke(app, ["similar", str(copied), "t00003", "-k", "3", "--other-artists", "--exact", "--json"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 3
    assert table.frame["artist"][3] not in {row["artist"] for row in rows}
    assert "lists of a query" in runner.invoke(app, ["info", str(copied)]).stdout
    done = runner.invoke(app, ["index", str(tmp_path / "new.csv"), "-o", str(copied), "--append", "--metric", "lda"])
    assert isinstance(done.exception, RequestError)
