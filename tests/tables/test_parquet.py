"""Tables in Parquet: the same rows as in CSV, whatever happens to the run, and any Parquet from elsewhere."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import made_up_table

from genreclf.datasets import open_table
from genreclf.errors import RequestError
from genreclf.information import information
from genreclf.tables import parquet_store
from genreclf.tables.conversion import convert
from genreclf.tables.parquet_store import open_store
from genreclf.tables.store import Failure, TableStore
from genreclf.tables.table import FeatureTable

parquet = pytest.importorskip("pyarrow.parquet")

FEATURES = ("mfcc_mean_01", "tempo")
META = {"feature_set": "made-up", "parameters": {"offset": None, "duration": 30.0}}


def identity(track_id: str, *, genre: str = "rock") -> tuple[str, ...]:
    return (track_id, genre, "artist", "", "", "", track_id, "d")


def opened(path: Path, *, tags: bool = False, float32: bool = False, **changes: object) -> TableStore:
    return open_store(path, features=FEATURES, meta=META | changes, tags=tags, float32=float32)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "t.parquet"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_store, "PART_ROWS", 3)


def filled(path: Path, ids: str, **options: bool) -> None:
    with opened(path, **options) as store:
        for track_id in ids:
            store.append(identity(track_id), (ord(track_id) / 7, 2.0))
        store.finish()


def parts(path: Path) -> list[list[str]]:
    return [parquet.read_table(part)["track_id"].to_pylist() for part in sorted(path.iterdir())]


def test_rows_are_read_back_in_the_order_of_their_ids(table: Path) -> None:
    filled(table, "gafbecd")
    assert parts(table) == [["a", "f", "g"], ["b", "c", "e"], ["d"]], "whole parts while rows come, the rest at the end"
    read = FeatureTable.read(table)
    assert read.ids.tolist() == list("abcdefg")
    assert read.X[:, 0].tolist() == [ord(track_id) / 7 for track_id in "abcdefg"]
    assert read.meta["feature_set"] == "made-up"
    assert sorted(p.name for p in table.parent.iterdir() if not p.name.startswith(".")) == [
        "t.parquet",
        "t.parquet.json",
    ]


def test_a_small_part_grows_and_a_full_one_stays(table: Path) -> None:
    filled(table, "abcd")
    filled(table, "e")
    assert parts(table) == [["a", "b", "c"], ["d", "e"]]
    before = (table / "part-000000.parquet").stat().st_mtime_ns
    filled(table, "fg")
    assert parts(table) == [["a", "b", "c"], ["d", "e"], ["f", "g"]]
    assert (table / "part-000000.parquet").stat().st_mtime_ns == before


def test_rows_of_a_run_that_was_killed_are_there_when_the_next_opens(table: Path) -> None:
    with opened(table) as store:
        for track_id in "dcba":
            store.append(identity(track_id), (1.0, 2.0))
    assert parts(table) == [["b", "c", "d"]]
    lines = table.with_name(".t.parquet.rows")
    assert any(note.startswith("1 rows of an extraction that was killed") for note in FeatureTable.read(table).notes)
    lines.write_bytes(lines.read_bytes() + b"e,rock,torn")
    with opened(table) as store:
        assert sorted(store.rows) == ["a", "b", "c", "d"]
        store.finish()
    assert FeatureTable.read(table).ids.tolist() == ["a", "b", "c", "d"]
    assert not lines.exists()


def test_a_kill_between_a_part_and_its_lines_doubles_no_row(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(path: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    with opened(table) as store:
        for track_id in "ab":
            store.append(identity(track_id), (1.0, 2.0))
        with monkeypatch.context() as killed:
            killed.setattr(parquet_store, "write_whole", kill)
            with pytest.raises(KeyboardInterrupt):
                store.append(identity("c"), (1.0, 2.0))
        rows = table.with_name(".t.parquet.rows")
        lines = rows.read_bytes()
        assert lines.count(b"\n") == 4
    rows.write_bytes(lines)  # as if nothing had been done after the kill
    with opened(table) as store:
        assert sorted(store.rows) == ["a", "b", "c"]
        store.append(identity("d"), (1.0, 2.0))
        store.finish()
    assert parts(table) == [["a", "b", "c"], ["d"]]


def test_lines_that_cannot_be_begun_anew_double_no_row(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with opened(table) as store:
        for track_id in "ab":
            store.append(identity(track_id), (1.0, 2.0))
        with monkeypatch.context() as once:
            once.setattr(parquet_store, "write_whole", full)
            with pytest.raises(RequestError, match="No space left"):
                store.append(identity("c"), (1.0, 2.0))
        store.finish()  # as extraction does after any error
    assert parts(table) == [["a", "b", "c"]]
    filled(table, "d")
    assert parts(table) == [["a", "b", "c"], ["d"]]


def test_labels_and_rows_change_in_the_parts_that_hold_them(table: Path) -> None:
    filled(table, "abcdefg")
    with opened(table) as store:
        store.append(identity("h"), (1.0, 2.0))
        store.revise(drop=["b", "g"], relabel={"a": identity("a", genre="jazz"), "h": identity("h", genre="folk")})
        assert sorted(store.rows) == list("acdefh")
        assert store.rows["a"].identity[1] == "jazz"
        store.finish()
    read = FeatureTable.read(table)
    assert dict(zip(read.ids, read.y, strict=True)) == dict.fromkeys("cdef", "rock") | {"a": "jazz", "h": "folk"}
    assert read.X[0, 0] == ord("a") / 7
    with opened(table) as store:
        store.revise(drop="acdefh")
        assert not list(store.rows)
    assert not list(table.iterdir())


def test_a_table_without_tags_gets_the_column(table: Path) -> None:
    filled(table, "abcd")
    with opened(table) as store:
        store.append(identity("e"), (1.0, 2.0))
    with opened(table, tags=True) as store:
        assert store.rows["a"].identity[-1] == store.rows["e"].identity[-1] == ""
        store.append((*identity("f"), "calm|sad"), (1.0, 2.0))
        store.finish()
    filled(table, "")
    assert list(FeatureTable.read(table).frame["tags"]) == ["", "", "", "", "", "calm|sad"]
    with opened(table) as store:
        assert store.identity[-1] == "tags", "and keeps it"


def test_single_precision_is_kept_and_not_mixed(table: Path) -> None:
    filled(table, "ab", float32=True)
    assert FeatureTable.read(table).X.dtype == np.float32
    with pytest.raises(RequestError, match=r"made with dtype float32, this run asks for float64"), opened(table):
        pass
    with opened(table, float32=True) as store:
        store.append(identity("c"), (1e300, 0.0))
        with pytest.raises(RequestError, match=r"beyond single precision"):
            store.finish()
    with pytest.raises(RequestError, match=r"choose a name that ends in \.parquet"):
        opened(table.with_suffix(".csv"), float32=True)


def test_failures_stand_beside_and_are_not_those_of_the_csv(table: Path) -> None:
    with opened(table) as store:
        store.failures["x"] = Failure("x", "x.mp3", "empty", "no bytes", "d")
        store.finish()
    assert "x.mp3,empty" in table.with_name("t.parquet.failed.csv").read_text()
    with opened(table.with_suffix(".csv"), parameters={"duration": 1.0}) as store:
        assert not store.failures
    with opened(table) as store:
        assert list(store.failures) == ["x"]


def test_what_is_not_ours_is_not_written_into(table: Path) -> None:
    table.write_bytes(b"PAR1")
    with pytest.raises(RequestError, match="a single file"):
        opened(table)
    table.unlink()
    table.mkdir()
    (table / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="was not written by genreclf extract"), opened(table):
        pass
    (table / "mine.txt").unlink()
    filled(table, "abcd")
    (table / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match=r"mine\.txt in it was not written"), opened(table):
        pass
    (table / "mine.txt").unlink()
    with pytest.raises(RequestError, match="made with duration 30, this run asks for 5"):
        opened(table, parameters={"offset": None, "duration": 5.0}).__enter__()


def test_a_damaged_part_is_named(table: Path) -> None:
    filled(table, "abcd")
    part = table / "part-000001.parquet"
    content = bytearray(part.read_bytes())
    part.write_bytes(content[:-9])
    for use in (lambda: opened(table).__enter__(), lambda: FeatureTable.read(table)):
        with pytest.raises(RequestError, match=r"part-000001\.parquet: cannot be read as Parquet"):
            use()
    shutil.copy(table / "part-000000.parquet", part)
    with pytest.raises(RequestError, match=r"a row of 'a', which is in part 0 as well"):
        opened(table).__enter__()
    part.unlink()
    with opened(table) as store:
        assert sorted(store.rows) == ["a", "b", "c"]


def test_a_bit_that_flipped_on_the_disk_is_noticed(table: Path) -> None:
    filled(table, "abc")
    part = table / "part-000000.parquet"
    content = bytearray(part.read_bytes())
    column = parquet.ParquetFile(part).metadata.row_group(0).column(8)
    content[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    part.write_bytes(content)
    with pytest.raises(RequestError, match="cannot be read as Parquet"):
        FeatureTable.read(table)


def test_a_conversion_there_and_back_gives_the_same_bytes(tmp_path: Path) -> None:
    source, made, back = (tmp_path / name for name in ("s.csv", "s.parquet", "back.csv"))
    with opened(source, versions={"genreclf": "0"}) as store:
        for number, name in enumerate(["a", 'b "q", é', "c"]):
            store.append(identity(name), (0.1 + 0.2 * number, -1.5e-300))
        store.failures["x"] = Failure("x", "x.mp3", "empty", "no bytes", "d")
        store.seen["x"] = (1, 2, "d")
        store.finish()
    convert(source, made)
    convert(made, back)
    assert filecmp.cmp(source, back, shallow=False)
    for suffix in (".json", ".failed.csv"):
        assert filecmp.cmp(source.with_suffix(suffix), back.with_suffix(suffix), shallow=False)
    with opened(made, versions={"genreclf": "0"}) as store:
        assert len(store.rows) == 3
        assert store.seen == {"x": (1, 2, "d")}
    with pytest.raises(RequestError, match=r"s\.parquet: is there already"):
        convert(source, made)
    (tmp_path / "s.series").mkdir()
    assert "series stay in" in convert(source, tmp_path / "again.parquet").notes[-1]
    single = convert(made, tmp_path / "single.parquet", float32=True)
    convert(tmp_path / "single.parquet", tmp_path / "single.csv")
    assert np.array_equal(FeatureTable.read(tmp_path / "single.csv").X, single.X)
    assert single.X.dtype == np.float32


def test_parquet_from_elsewhere_is_read_as_csv_is(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": [7, 8, 9],
            "genre": pd.Categorical(["rock", None, "pop"]),
            "tempo": [120, 90, 100],
            "loud": [True, False, True],
            "gap": [1.5, None, 2.5],
            "comment": ["a", "b", "c"],
        },
        index=[5, 6, 7],
    )
    frame.to_parquet(tmp_path / "f.parquet")
    read = FeatureTable.read(tmp_path / "f.parquet")
    assert read.features == ("tempo", "loud", "gap")
    assert read.ids.tolist() == ["7", "8", "9"]
    assert read.y.tolist() == ["rock", "", "pop"]
    assert np.array_equal(read.X, [[120, 1, 1.5], [90, 0, np.nan], [100, 1, 2.5]], equal_nan=True)
    assert [note.split(":")[0] for note in read.notes] == [
        "columns left out, as they hold no numbers",
        "1 empty cell in 1 column ('gap') are filled with the column's median over the training tracks",
    ]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"genre": ["a"], "x": [np.inf]}, "row 1, column 'x': inf, not a finite number"),
        ({"genre": ["a", "b"], "id": ["1", "1"], "x": [1.0, 2.0]}, "row 2, column 'id': the id '1' is that of row 1"),
        ({"x": [1.0]}, "no column 'genre'"),
        ({"genre": ["a"]}, "no numeric columns"),
        ({"genre": [], "x": []}, "no rows"),
        ({"genre": [[1]], "x": [1.0]}, "column 'genre' holds list<"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, frame: dict[str, list[object]], said: str) -> None:
    pd.DataFrame(frame).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(RequestError) as error:
        FeatureTable.read(tmp_path / "f.parquet")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_parquet_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "f.parquet").write_bytes(b"no Parquet at all")
    with pytest.raises(RequestError, match=r"f\.parquet: cannot be read as Parquet: [^\n]*$"):
        open_table(tmp_path / "f.parquet")
    with pytest.raises(RequestError, match="no such file; make a table with"):
        open_table(tmp_path / "g.parquet")
    (tmp_path / "g.parquet").mkdir()
    with pytest.raises(RequestError, match="a folder without Parquet files"):
        open_table(tmp_path / "g.parquet")


def test_a_sample_keeps_the_proportions_of_the_genres_and_says_so(tmp_path: Path) -> None:
    whole = made_up_table(tracks=100, genres=3)
    whole.write(tmp_path / "t.csv")
    whole.write(tmp_path / "t.parquet")
    taken = [open_table(tmp_path / f"t.{kind}", sample=31, seed=5) for kind in ("csv", "parquet")]
    assert taken[0].digest == taken[1].digest
    assert taken[0].notes == ("a sample of 31 of 100 tracks, drawn at random within each genre (seed 5)",)
    assert sorted(np.unique(taken[0].y, return_counts=True)[1]) == [10, 10, 11]
    assert open_table(tmp_path / "t.csv", sample=31, seed=6).digest != taken[0].digest
    assert open_table(tmp_path / "t.parquet", sample=500).notes == ()
    with pytest.raises(RequestError, match="sample=0: give the number of tracks"):
        open_table(tmp_path / "t.csv", sample=0)


def test_what_is_told_of_a_table_is_told_of_parquet(table: Path) -> None:
    filled(table, "abcd")
    told = information(table)
    assert told.kind == "table"
    assert told.sections["table"]["bytes"] == sum(part.stat().st_size for part in table.iterdir())


def test_lines_that_hold_what_csv_quotes_become_rows(table: Path) -> None:
    nasty = 'a "quoted", split\nname\r\x85 NA'
    with opened(table) as store:
        store.append(("id", "rock", nasty, "", "NULL", "", "", "d"), (1.0, 2.0))
        store.finish()
    frame = FeatureTable.read(table).frame
    assert frame["artist"][0] == 'a "quoted", split name   NA'
    assert frame["title"][0] == "NULL"
    assert frame["album"][0] == ""


def test_files_that_differ_in_their_types_lose_no_digit_and_no_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"track_id": list("abcd"), "genre": list("xyxy"), "f": [0.1, 0.2, 0.3, 1e300], "g": 1.5})
    folder = tmp_path / "f.parquet"
    folder.mkdir()
    frame[:2].assign(g=None).astype({"f": "float32"}).to_parquet(folder / "1.parquet", index=False)
    frame[2:].to_parquet(folder / "2.parquet", index=False)
    table = FeatureTable.read(folder)
    assert table.features == ("f", "g")
    assert table.X[2:, 0].tolist() == [0.3, 1e300]
    np.testing.assert_array_equal(table.X[:, 1], [np.nan, np.nan, 1.5, 1.5])
