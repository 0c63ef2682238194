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
from genreclf.similarity.lists import Block, Lists, nearest_rows, rounded, steps_of
from genreclf.similarity.parts import Part, PartDescription


@pytest.fixture(scope="module")
def table():
    return made_up_table(tracks=600)


@pytest.fixture(scope="module")
def stored(table, tmp_path_factory):
    place = tmp_path_factory.mktemp("large") / "index"
    genreclf.build_index(table, approximate=True).save(place)
    return place


@pytest.fixture(scope="module")
def halved(table, tmp_path_factory):
    """The index in 16 bits a coordinate."""
    place = tmp_path_factory.mktemp("large") / "halved"
    genreclf.build_index(table, approximate=True, bits=16).save(place)
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


def test_of_a_rare_genre_and_of_many_tracks_the_nearest_are_found_too():
    rng = np.random.default_rng(0)
    table = made_up_table(tracks=2000, features=8, artists_per_genre=200)
    genres = np.where(rng.random(2000) < 0.05, "rare", "usual")
    table = table.with_frame(table.frame.assign(genre=genres), table.features)
    right, index = (genreclf.build_index(table, approximate=approximate) for approximate in (False, True))
    for asked, kept in (({"k": 10, "genre": "rare"}, 10), ({"k": 100}, 100)):
        pairs = ((one.query(i, **asked)["track_id"] for one in (right, index)) for i in table.ids[::50])
        assert np.mean([len(set(one) & set(other)) / kept for one, other in pairs]) > 0.97


def test_exact_search_of_a_large_index_is_that_of_a_small_one(table, stored):
    right, index = genreclf.build_index(table), genreclf.open_index(stored)
    for asked in (*table.ids[:3], table.X[9]):
        expected, found = right.query(asked, 20), index.query(asked, 20, exact=True)
        assert list(found["track_id"]) == list(expected["track_id"])
        np.testing.assert_allclose(found["distance"], expected["distance"], atol=1e-6)
        assert (found["artist"] == expected["artist"]).all()
    assert index.skew == right.skew
    assert index.genre_counts() == right.genre_counts()


def test_points_that_are_equal_are_at_no_distance_at_all():
    points = np.full((50, 3), 1e4, dtype=np.float32)
    points[7:] += np.arange(43, dtype=np.float32)[:, None] + 1
    rows, distances = nearest_rows(points[0], 10, [Block(0, points)])
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
        patched.setattr("genreclf.similarity.description.json.dumps", lambda *_, **__: 1 / 0)
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


def test_forged_lists_that_fit_their_digests_are_refused_or_answered(stored, halved, tmp_path):
    for name, change in {
        "starts": lambda a: a[::-1].copy(),
        "offsets": lambda a: a * 0 - 1,
        "keys": lambda a: a[:, :-1],
        "points": lambda a: a * np.float32(np.nan),
        "digests": lambda a: a[:-1],
        "texts": lambda a: a * 0,
        "steps": lambda a: a - a,
    }.items():
        index = genreclf.open_index(halved if name == "steps" else stored)
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
    monkeypatch.setattr("genreclf.similarity.indexing.EXACT_LIMIT", 100)
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


def test_sixteen_bits_halve_the_points_and_move_no_neighbour_far(table, stored, halved):
    right, index = genreclf.open_index(stored), genreclf.open_index(halved)
    assert 2 * index.parts[0].points.nbytes == right.parts[0].points.nbytes
    assert index.how_searched()["bits a coordinate"] == 16
    rounding = np.linalg.norm(index.parts[0].steps) / 2  # the longest way that a point can move
    for asked in (*table.ids[:3], table.X[9]):
        found, expected = index.query(asked, 20, exact=True), right.query(asked, 20, exact=True)
        np.testing.assert_allclose(found["distance"], expected["distance"], atol=2 * rounding)
        assert len(set(found["track_id"]) & set(expected["track_id"])) >= 19


def test_tracks_are_added_in_as_many_bits_unless_one_lies_too_far_off(table, halved, tmp_path):
    new = table.with_frame(table.frame.assign(track_id="n" + table.frame["track_id"]), table.features)
    far = new.frame.assign(track_id="f" + table.frame["track_id"])
    far.loc[7, table.features[0]] = 1e6
    grown = genreclf.open_index(halved).extend(new).extend(table.with_frame(far, table.features))
    grown.save(tmp_path / "grown")
    read = genreclf.open_index(tmp_path / "grown")
    assert [part.bits for part in read.parts] == [16, 16, 32]
    assert set(read.query(table.X[5], 3, exact=True)["track_id"]) == {"t00005", "nt00005", "ft00005"}
    assert read.query("ft00007", 1)["distance"][0] > 1e5


def test_bits_are_refused_where_they_cannot_be(table):
    far = table.frame.copy()
    far.loc[7, list(table.features)] = 1e6
    for source, options, message in (
        (table, {"approximate": True, "bits": 8}, "16 or 32"),
        (table, {"approximate": False, "bits": 16}, "inverted lists"),
        (table.with_frame(far, table.features), {"approximate": True, "bits": 16}, "so far off"),
    ):
        with pytest.raises(RequestError, match=message):
            genreclf.build_index(source, **options)


def test_above_a_million_tracks_sixteen_bits_are_the_default(table, monkeypatch):
    monkeypatch.setattr("genreclf.similarity.indexing.SINGLE_LIMIT", 500)
    assert genreclf.build_index(table, approximate=True).parts[0].bits == 16
    assert genreclf.build_index(table, approximate=True, bits=32).parts[0].bits == 32


def test_steps_reach_every_coordinate_and_rounding_keeps_the_order_asked_for():
    points = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32) * [1, 10, 0, 1e-3]
    steps, order = steps_of(points.astype(np.float32)), np.arange(50)[::-1]
    found = rounded(points, steps, order) * steps
    assert (np.abs(found - points[order]) <= 0.501 * steps).all()
    assert steps_of(np.zeros((5, 3), dtype=np.float32)) is None


def test_points_beyond_four_gigabytes_are_mapped_and_read(tmp_path):
    rows, width, name = 40_000, 30_000, "0" * 16
    points = np.lib.format.open_memmap(tmp_path / f"{name}.points.npy", "w+", "<f4", (rows, width))  # a sparse file
    points[-1] = 7
    assert points.nbytes > 1 << 32
    texts = np.frombuffer(b'["t"]' * 2, dtype=np.uint8)
    arrays = {
        "texts": texts,
        "offsets": np.array([0] * (rows - 1) + [5, 10]),
        "keys": np.zeros((3, rows), dtype=np.uint64),
        "starts": np.array([0, rows - 2, rows]),
        "digests": np.zeros((2, 32), dtype=np.uint8),
    }
    part = Part(points, **arrays)
    arrays["digests"][1] = np.frombuffer(part.digest(1), dtype=np.uint8)
    for array, content in arrays.items():
        np.save(tmp_path / f"{name}.{array}.npy", content)
    read = Part.load(tmp_path, PartDescription(name, Part(points, **arrays).sha256), (2, width))
    assert (read.point(rows - 1) == 7).all()
    assert read.identity(rows - 1, 1) == ["t"]
