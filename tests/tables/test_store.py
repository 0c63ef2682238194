"""The table on disk: whole rows only, each once, whatever happens to the run."""

from __future__ import annotations

import csv
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from listener import Listener
from made_up import made_up_table

from genreclf.errors import RequestError
from genreclf.tables.store import Failure, TableStore
from genreclf.tables.table import IDENTITY, FeatureTable

FEATURES = ("mfcc_mean_01", "tempo")
META = {"feature_set": "made-up", "parameters": {"offset": None, "duration": 30.0}}


def opened(path: Path, **changes: object) -> TableStore:
    return TableStore(path, features=FEATURES, meta=META | changes)


def identity(track_id: str, *, genre: str = "rock", digest: str = "d") -> tuple[str, ...]:
    return (track_id, genre, "artist", "", "", "", track_id, digest)


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]


def test_values_read_back_as_written(tmp_path: Path) -> None:
    values = [0.1 + 0.2, -1.5e-300, 3.0, 2**53 + 1.0]
    with opened(tmp_path / "t.csv") as store:
        for number, value in enumerate(values):
            store.append(identity(f"t{number}"), (value, -value))
        store.finish()
    table = FeatureTable.read(tmp_path / "t.csv")
    assert table.X[:, 0].tolist() == values
    assert table.features == FEATURES


def test_rows_end_in_the_order_of_their_ids(tmp_path: Path) -> None:
    with opened(tmp_path / "t.csv") as store:
        for track_id in ("c", "a", "b"):
            store.append(identity(track_id), (1.0, 2.0))
        assert [row[0] for row in rows(tmp_path / "t.csv")] == ["c", "a", "b"], "written as they come"
        store.finish()
    assert [row[0] for row in rows(tmp_path / "t.csv")] == ["a", "b", "c"]


@pytest.mark.parametrize("cut", range(1, 27, 3))
def test_a_torn_row_is_cut_off_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "t.csv"
    with opened(path) as store:
        store.append(identity("a"), (1.0, 2.0))
        whole = path.read_bytes()
        store.append(identity("b"), (3.0, 4.0))
    path.write_bytes(path.read_bytes()[:-cut])
    with opened(path) as store:
        assert list(store.rows) == ["a"]
    assert path.read_bytes() == whole


def test_a_torn_header_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with opened(path):
        header = path.read_bytes()
    path.write_bytes(header[:10])
    with opened(path) as store:
        assert not store.rows
    assert path.read_bytes() == header


def test_texts_from_tags_cannot_break_a_row(tmp_path: Path) -> None:
    nasty = 'a "quoted", split\nname\r\x85 \ud800'
    with opened(tmp_path / "t.csv") as store:
        store.append(("id", "rock", nasty, "", "", "", "", "d"), (1.0, 2.0))
        store.append(identity("z"), (1.0, 2.0))
        store.finish()
    assert len((tmp_path / "t.csv").read_bytes().splitlines()) == 3
    assert rows(tmp_path / "t.csv")[0][2].startswith('a "quoted", split name')


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": {"offset": None, "duration": 15.0}}, "made with duration 30, this run asks for 15"),
        ({"parameters": {"offset": 0.0, "duration": 30.0}}, "made with offset none, this run asks for 0"),
        ({"feature_set": "fma"}, "made with feature set made-up, this run asks for fma"),
    ],
)
def test_other_parameters_are_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with opened(tmp_path / "t.csv"):
        pass
    with pytest.raises(RequestError, match=said), opened(tmp_path / "t.csv", **changes):
        pass


def test_rows_of_another_version_stay_and_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    with opened(tmp_path / "t.csv", versions={"genreclf": "0.0.9"}):
        pass
    meta = META | {"versions": {"genreclf": "0.1.0"}}
    with TableStore(tmp_path / "t.csv", features=FEATURES, meta=meta, progress=Listener(said)):
        pass
    assert [line.partition("genreclf ")[2] for line in said] == ["0.0.9, this is 0.1.0; new rows are added beside them"]


def test_a_table_from_elsewhere_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("track_id,genre,x\n1,rock,2\n")
    with pytest.raises(RequestError, match="was not written by genreclf extract"), opened(tmp_path / "t.csv"):
        pass
    assert (tmp_path / "t.csv").read_text() == "track_id,genre,x\n1,rock,2\n"


@pytest.mark.parametrize("name", ["t.json", "t", "t.pq", ".csv", "..", "", "folder.csv"])
def test_only_a_file_whose_name_ends_in_csv_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RequestError, match=r"whose name ends in \.csv"):
        opened(tmp_path / name)
    with pytest.raises(RequestError, match=r"whose name ends in \.csv"):
        made_up_table().write(tmp_path / name)


def test_a_file_that_has_the_name_of_ours_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"mine": 1}')
    with (
        pytest.raises(RequestError, match=r"t\.json is there and was not written beside a table"),
        opened(tmp_path / "t.csv"),
    ):
        pass
    assert (tmp_path / "t.json").read_text() == '{"mine": 1}'
    assert not (tmp_path / "t.csv").exists()


def test_a_run_killed_before_its_first_line_is_begun_again(tmp_path: Path) -> None:
    with opened(tmp_path / "t.csv"):
        pass
    (tmp_path / "t.csv").unlink()
    with opened(tmp_path / "t.csv") as store:
        assert not store.rows


@pytest.mark.parametrize("beside", ["", "[]", "{}", '{"feature_set": "made-up", "parameters": [1]}', "\xff"])
def test_a_table_whose_parameters_are_lost_is_not_written_into(tmp_path: Path, beside: str) -> None:
    with opened(tmp_path / "t.csv"):
        pass
    (tmp_path / "t.json").write_text(beside, encoding="latin-1")
    with pytest.raises(RequestError, match="was not written by genreclf extract"), opened(tmp_path / "t.csv"):
        pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), "line 1 is not the header"),
        (lambda data: data.replace(b",", b";"), "line 1 is not the header"),
        (lambda data: b"\xef\xbb\xbf" + data, "line 1 is not the header"),
        (lambda data: data.replace(b"artist,album", b"album,artist"), "line 1 is not the header"),
        (lambda data: data.replace(b"jazz", b"caf\xe9"), "line 3: not UTF-8 text"),
    ],
)
def test_a_table_that_another_program_saved_is_refused_as_it_is(tmp_path: Path, change: object, said: str) -> None:
    path = tmp_path / "t.csv"
    with opened(path) as store:
        store.append(identity("a"), (1.0, 2.0))
        store.append(identity("b", genre="jazz"), (1.0, 2.0))
    path.write_bytes(change(path.read_bytes()))
    saved = path.read_bytes()
    with pytest.raises(RequestError, match=said), opened(path):
        pass
    assert path.read_bytes() == saved


def test_zeros_that_a_power_cut_left_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with opened(path) as store:
        store.append(identity("a"), (1.0, 2.0))
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 300_000 + b"\n")
    with opened(path) as store:
        assert list(store.rows) == ["a"]
    assert path.read_bytes() == whole


def test_labels_change_without_touching_values(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with opened(path) as store:
        for track_id in ("a", "b", "c"):
            store.append(identity(track_id), (0.1, 0.2))
        store.revise(drop=["b"], relabel={"c": identity("c", genre="jazz")})
        store.append(identity("d"), (0.3, 0.4))
    assert [row[:2] for row in rows(path)] == [["a", "rock"], ["c", "jazz"], ["d", "rock"]]
    assert {tuple(row[len(IDENTITY) :]) for row in rows(path)} == {("0.1", "0.2"), ("0.3", "0.4")}


def test_failures_are_listed_beside_the_table_until_they_are_mended(tmp_path: Path) -> None:
    failed = tmp_path / "t.failed.csv"
    with opened(tmp_path / "t.csv") as store:
        store.failures["x"] = Failure("x", "x.mp3", "empty", "holds no sound", "d")
        store.finish()
    assert "x,x.mp3,empty,holds no sound,d" in failed.read_text()
    with opened(tmp_path / "t.csv") as store:
        assert store.failures["x"].code == "empty"
        store.append(identity("x"), (1.0, 2.0))
        store.finish()
    assert not failed.exists()


FAILED = b"track_id,path,code,reason,digest\n"


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        (FAILED + b"x,x.mp3,empty\n", ["x"]),
        (FAILED + b"x,x.mp3\n", []),
        (FAILED + b"x,x.mp3,empty,no bytes,d,more\n", []),
        (FAILED + b"\0" * 300_000, []),
        (b"", []),
    ],
)
def test_a_damaged_list_of_failures_is_no_trouble(tmp_path: Path, listed: bytes, known: list[str]) -> None:
    with opened(tmp_path / "t.csv"):
        pass
    (tmp_path / "t.failed.csv").write_bytes(listed)
    with opened(tmp_path / "t.csv") as store:
        assert list(store.failures) == known
        store.finish()


@pytest.mark.parametrize("mine", [b"\xff", b"track_id,path\nmine\n", FAILED.replace(b",", b";"), b"genre,x\nrock,1\n"])
def test_a_file_that_is_no_list_of_failures_is_neither_removed_nor_overwritten(tmp_path: Path, mine: bytes) -> None:
    (tmp_path / "t.failed.csv").write_bytes(mine)
    with pytest.raises(RequestError, match=r"t\.failed\.csv: is there already and is not"), opened(tmp_path / "t.csv"):
        pass
    assert (tmp_path / "t.failed.csv").read_bytes() == mine
    assert not (tmp_path / "t.csv").exists()


def test_a_table_called_like_a_list_of_failures_stays(tmp_path: Path) -> None:
    with opened(tmp_path / "t.failed.csv") as store:
        store.append(identity("a"), (1.0, 2.0))
        store.finish()
    whole = (tmp_path / "t.failed.csv").read_bytes()
    with pytest.raises(RequestError, match=r"t\.failed\.csv: is there already and is not"), opened(tmp_path / "t.csv"):
        pass
    assert (tmp_path / "t.failed.csv").read_bytes() == whole


def test_a_table_behind_a_link_is_one_table(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "t.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    with opened(link) as store:
        store.append(identity("b"), (1.0, 2.0))
        waiting: list[str] = []

        def second() -> None:
            with TableStore(real, features=FEATURES, meta=META, progress=Listener(waiting)) as other:
                waiting.append(f"second sees {list(other.rows)}")

        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        store.append(identity("a"), (1.0, 2.0))
        store.finish()
    thread.join()
    assert waiting[0].startswith("another run is writing")
    assert waiting[1:] == ["second sees ['a', 'b']"]
    assert link.is_symlink()
    assert FeatureTable.read(link).ids.tolist() == ["a", "b"]
    assert FeatureTable.read(link).meta["feature_set"] == "made-up"


def damaged(tmp_path: Path, change: Callable[[bytes], bytes], *, forget: bool = False) -> tuple[list[str], TableStore]:
    """What is said of a table of three rows that another program has changed, and the store as it then is."""
    path = tmp_path / "t.csv"
    with opened(path) as store:
        for track_id in ("a", "b", "c"):
            store.append(identity(track_id), (0.1 + 0.2, 120.0))
        store.finish()
    before = path.read_bytes()
    path.write_bytes(change(before))
    if forget:
        (tmp_path / ".t.rows.json").unlink()
    said: list[str] = []
    with TableStore(path, features=FEATURES, meta=META, progress=Listener(said)) as store:
        store.finish()
    if said:
        assert (tmp_path / "t.csv.old").read_bytes() == change(before), "a copy is kept before anything is mended"
    return said, store


@pytest.mark.parametrize(
    ("change", "said", "left"),
    [
        (lambda data: data.replace(b"d,0.3", b"d,x0.3", 1), "line 2, column 'mfcc_mean_01': 'x0.3", ["b", "c"]),
        (lambda data: data.replace(b",120.0\nb", b",nan\nb"), "line 2, column 'tempo': 'nan' is not a", ["b", "c"]),
        (lambda data: data.replace(b",120.0\nb", b"\nb"), "line 2: not a row of 10 cells", ["b", "c"]),
        (lambda data: data.replace(b"b,rock", b"a,rock"), "line 3: a second row of 'a'", ["a", "c"]),
    ],
)
def test_damaged_rows_are_named_and_a_copy_is_kept(
    tmp_path: Path, change: Callable[[bytes], bytes], said: str, left: list[str]
) -> None:
    [line], store = damaged(tmp_path, change)
    assert said in line
    assert "kept as t.csv.old" in line
    assert list(store.rows) == left
    assert not store.rewritten


@pytest.mark.parametrize(
    ("change", "said", "forget"),
    [
        (lambda data: data.replace(b",120.0\nb", b",120\nb"), "line 2, column 'tempo': '120' was not written so", True),
        (
            lambda data: data.replace(b",120.0\nb", b",1.2E+02\nb"),
            "column 'tempo': '1.2E+02' was not written so",
            False,
        ),
        (lambda data: data.replace(b"0.30000000000000004", b"0.3", 1), "line 2: its values are others", False),
    ],
)
def test_values_that_another_program_wrote_are_told_of_once(
    tmp_path: Path, change: Callable[[bytes], bytes], said: str, forget: bool
) -> None:
    [line], store = damaged(tmp_path, change, forget=forget)
    assert said in line
    assert list(store.rows) == ["a", "b", "c"]
    assert store.rewritten == {"a"}
    with opened(tmp_path / "t.csv") as store:
        assert not store.rewritten


def test_a_row_that_was_computed_again_before_a_kill_is_ours(tmp_path: Path) -> None:
    with opened(tmp_path / "t.csv") as store:
        store.append(identity("a", digest="before"), (1.0, 2.0))
        store.finish()
    with opened(tmp_path / "t.csv") as store:
        store.revise(drop=["a"])
        store.append(identity("a", digest="after"), (3.0, 4.0))
    with opened(tmp_path / "t.csv") as store:
        assert not store.rewritten
    assert not (tmp_path / "t.csv.old").exists()


def test_a_track_with_a_row_has_not_failed(tmp_path: Path) -> None:
    with opened(tmp_path / "t.csv") as store:
        store.failures["x"] = Failure("x", "x.mp3", "empty", "holds no sound", "d")
        store.finish()
    with opened(tmp_path / "t.csv") as store:
        store.append(identity("x"), (1.0, 2.0))
    with opened(tmp_path / "t.csv") as store:
        assert not store.failures, "the run before was killed before it could mend the list"


@pytest.mark.parametrize("seen", ['{"a": 5, "b": [1, 2, "d"]}', "[]", "no JSON", "\xff"])
def test_a_damaged_memory_of_files_is_no_trouble(tmp_path: Path, seen: str) -> None:
    with opened(tmp_path / "t.csv"):
        pass
    (tmp_path / ".t.seen.json").write_text(seen, encoding="latin-1")
    with opened(tmp_path / "t.csv") as store:
        assert store.seen.keys() <= {"b"}


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with TableStore(tmp_path / "t.csv", features=FEATURES, meta=META, progress=Listener(order)) as store:
            order.append(f"second sees {list(store.rows)}")

    with opened(tmp_path / "t.csv") as store:
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        store.append(identity("a"), (1.0, 2.0))
        order.append("first ends")
    thread.join()
    assert order[0].startswith("another run is writing")
    assert order[1:] == ["first ends", "second sees ['a']"]


def test_two_runs_whose_locks_have_no_effect_notice_each_other(tmp_path: Path, monkeypatch) -> None:
    """As on a network folder that locks nothing from machine to machine."""
    monkeypatch.setattr("genreclf.tables.store.lock", lambda *_, **__: SimpleNamespace(release=lambda: None))
    noticed = r"t\.csv: another run writes to this file as well; its lock has no effect"
    with opened(tmp_path / "t.csv") as first, opened(tmp_path / "t.csv") as second:
        first.append(identity("a"), (1.0, 2.0))
        with pytest.raises(RequestError, match=noticed):
            second.append(identity("a"), (1.0, 2.0))
    with opened(tmp_path / "t.csv") as store:
        assert list(store.rows) == ["a"]
        store.finish()


def test_a_disk_that_fails_for_good_is_told_in_one_line(tmp_path: Path, monkeypatch) -> None:
    """Also where what was begun cannot be undone: a torn row cut off, a table opened again."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    line = r"cannot write .*t\.csv: Read-only file system; choose another place or make room"
    with opened(tmp_path / "t.csv") as store:
        for track_id in ("b", "a"):
            store.append(identity(track_id), (1.0, 2.0))
        monkeypatch.setattr(Path, "open", fail)
        with pytest.raises(RequestError, match=line):
            store.finish()
        descriptor = os.open(tmp_path / "t.csv", os.O_RDONLY)
        store._size = os.fstat(descriptor).st_size
        store._stream = SimpleNamespace(
            write=fail, truncate=fail, close=lambda: os.close(descriptor), fileno=lambda: descriptor
        )
        with pytest.raises(RequestError, match=line):
            store.append(identity("c"), (1.0, 2.0))
        monkeypatch.undo()
    assert [row[0] for row in rows(tmp_path / "t.csv")] == ["b", "a"]


FILL = """
import resource, sys
from pathlib import Path
from genreclf.errors import RequestError
from genreclf.tables.store import TableStore

path = Path(sys.argv[1])
meta = {"feature_set": "made-up", "parameters": {"offset": None, "duration": 30.0}}
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
done = 0
try:
    with TableStore(path, features=("mfcc_mean_01", "tempo"), meta=meta) as store:
        for number in range(1000):
            store.append((f"t{number:04d}", "rock", "", "", "", "", "", "d"), (1 / 3, 2 / 3))
            done += 1
except RequestError as error:
    print(done, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are those of POSIX")
def test_a_full_disk_loses_nothing_and_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=True
    )
    done, _, said = ran.stdout.partition(" ")
    assert "cannot write" in said
    assert ran.stderr == ""
    assert len(rows(path)) == int(done) > 5
    assert path.read_bytes().endswith(b"\n")
