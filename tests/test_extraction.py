"""Extraction: only what is new is computed, a bad file costs itself, and nothing that was done is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from filelock import FileLock
from listener import Listener
from made_up import note
from without_workers import without_workers

from genreclf import extract_features
from genreclf.datasets import Manifest, Track, open_source
from genreclf.datasets.folder import scan
from genreclf.errors import RequestError
from genreclf.extraction import _todo, extract, file_digest
from genreclf.features import DEFAULT_SET, FEATURE_SETS
from genreclf.series import SeriesStores
from genreclf.tables.store import StoredRow
from genreclf.tables.table import IDENTITY, FeatureTable
from genreclf.verification import verify
from genreclf.workers import Stop

pytestmark = pytest.mark.usefixtures("in_this_process")
COMMAND = [sys.executable, "-m", "genreclf", "extract"]


def test_a_row_holds_what_the_file_is_and_says(music: Path, tmp_path: Path) -> None:
    done = extract(music, tmp_path / "t.csv", jobs=1)
    assert (done.tracks, done.computed, done.reused, done.failed, done.missing) == (6, 6, 0, (), 0)
    table = FeatureTable.read(tmp_path / "t.csv")
    assert table.ids.tolist() == ["high/0.wav", "high/1.wav", "high/2.wav", "low/0.flac", "low/1.flac", "low/2.flac"]
    assert table.y.tolist() == ["high"] * 3 + ["low"] * 3
    assert table.groups is not None
    assert table.groups[3:].tolist() == ["low artist 0", "low artist 1", "low artist 0"]
    assert table.frame["digest"][3] == file_digest(music / "low" / "0.flac")
    assert table.X[3].tolist() == list(extract_features(music / "low" / "0.flac").values())


def test_a_second_run_computes_nothing_and_changes_nothing(music: Path, tmp_path: Path) -> None:
    extract(music, tmp_path / "t.csv", jobs=1)
    before = (tmp_path / "t.csv").read_bytes()
    done = extract(music, tmp_path / "t.csv", jobs=1)
    assert (done.computed, done.reused) == (0, 6)
    assert (tmp_path / "t.csv").read_bytes() == before


def test_a_table_goes_on_with_its_own_feature_set(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    extract(music, table, feature_set="study", jobs=1)
    shutil.copy(music / "high" / "0.wav", music / "high" / "9.wav")
    said = Listener()
    done = extract(music, table, jobs=1, progress=said)
    assert (done.tracks, done.computed, done.features) == (7, 1, 185)
    assert said.lines == [f"{table}: goes on with its feature set, study; a new table would have texture"]
    assert FeatureTable.read(table).features == FEATURE_SETS["study"].columns
    with pytest.raises(RequestError, match="was made with feature set study, this run asks for texture"):
        extract(music, table, feature_set="texture", jobs=1)
    extract(music, tmp_path / "new.csv", jobs=1)
    new = FeatureTable.read(tmp_path / "new.csv")
    assert new.features == FEATURE_SETS[DEFAULT_SET].columns
    # The name of a set selects its columns: they are the old table's to the last bit.
    assert new.select(["study"], sets=FEATURE_SETS).digest == FeatureTable.read(table).digest


def test_files_with_new_times_but_the_same_bytes_are_not_computed_again(music: Path, tmp_path: Path) -> None:
    extract(music, tmp_path / "t.csv", jobs=1)
    for path in music.rglob("*.*"):
        os.utime(path, (1, 1))
    assert extract(music, tmp_path / "t.csv", jobs=1).computed == 0


def test_a_changed_file_a_new_one_and_a_new_label_cost_only_themselves(music: Path, tmp_path: Path) -> None:
    extract(music, tmp_path / "t.csv", jobs=1)
    soundfile.write(music / "low" / "1.flac", note(330.0), 22050)
    shutil.copy(music / "high" / "0.wav", music / "high" / "9.wav")
    assert extract(music, tmp_path / "t.csv", jobs=1).computed == 2
    extract(music, tmp_path / "afresh.csv", jobs=1)
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "afresh.csv").read_bytes()

    manifest = tmp_path / "m.csv"
    manifest.write_text("path,genre,track_id\nmusic/low/0.flac,bass,low/0.flac\n")
    done = extract(manifest, tmp_path / "t.csv", jobs=1)
    assert (done.computed, done.reused, done.others) == (0, 1, 6)
    assert FeatureTable.read(tmp_path / "t.csv").genres == ("bass", "high", "low")


@pytest.mark.workers
def test_the_table_is_the_same_whatever_the_number_of_workers(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(music / "low" / "0.flac", music / "low" / os.fsdecode(b"bytes\xff.flac"))
    (music / "low" / "text.mp3").write_text("this is no music")
    (music / "low" / "empty.wav").touch()
    done = extract(music, tmp_path / "two.csv", jobs=2)
    assert (done.computed, len(done.failed)) == (7, 2)
    without_workers(monkeypatch.setattr)
    extract(music, tmp_path / "none.csv", jobs=1)
    for suffix in (".csv", ".failed.csv"):
        assert (tmp_path / f"two{suffix}").read_bytes() == (tmp_path / f"none{suffix}").read_bytes()


def test_bad_files_are_listed_and_the_others_go_on(music: Path, tmp_path: Path) -> None:
    (music / "low" / "text.mp3").write_text("this is no music")
    (music / "low" / "empty.wav").touch()
    soundfile.write(music / "low" / "short.wav", np.zeros(100), 22050)
    soundfile.write(music / "low" / "nan.wav", np.full(22050, np.nan), 22050, subtype="FLOAT")
    os.mkfifo(music / "low" / "pipe.wav")
    done = extract(music, tmp_path / "t.csv", jobs=1)
    assert done.computed == 6
    codes = {failure.track_id: failure.code for failure in done.failed}
    assert codes.keys() == {f"low/{n}" for n in ("text.mp3", "empty.wav", "short.wav", "nan.wav", "pipe.wav")}
    assert codes["low/empty.wav"] == "empty"
    assert codes["low/short.wav"] == "too-short"
    assert "low/text.mp3" in (tmp_path / "t.failed.csv").read_text()
    again = extract(music, tmp_path / "t.csv", jobs=1)
    assert again.computed == 0
    assert again.failed == done.failed


def test_names_that_are_odd_are_no_trouble(music: Path, tmp_path: Path) -> None:
    source = music / "low" / "0.flac"
    names = ["a b.flac", "new\nline.flac", "\N{VIOLIN}.flac", 'quo"te,comma.flac', os.fsdecode(b"bytes\xff.flac")]
    for name in names:
        shutil.copy(source, music / "low" / name)
    (music / "low" / "loop").symlink_to(music, target_is_directory=True)
    (music / "folder.mp3").mkdir()
    done = extract(music, tmp_path / "t.csv", jobs=1)
    assert (done.computed, len(done.failed)) == (6 + len(names), 0)
    table = FeatureTable.read(tmp_path / "t.csv")
    assert len(set(table.ids)) == 6 + len(names)


def test_names_that_a_table_would_make_one_are_kept_apart(music: Path, tmp_path: Path) -> None:
    for number, name in enumerate(["low/a b.flac", "low/a\u2028b.flac", " x.flac", "x.flac"]):
        shutil.copy(music / "low" / f"{number % 3}.flac", music / name)
    assert extract(music, tmp_path / "t.csv", jobs=1).computed == 10
    assert extract(music, tmp_path / "t.csv", jobs=1).computed == 0
    assert len(FeatureTable.read(tmp_path / "t.csv")) == 10


def test_a_name_that_looks_like_the_escape_of_another_is_a_track_of_its_own(music: Path, tmp_path: Path) -> None:
    odd, plain = music / "low" / os.fsdecode(b"a\xff.flac"), music / "low" / r"a\udcff.flac"
    shutil.copy(music / "low" / "0.flac", odd)
    shutil.copy(music / "low" / "1.flac", plain)
    os.utime(odd, ns=(1, 1))
    os.utime(plain, ns=(1, 1))
    for computed in (8, 0):
        assert extract(music, tmp_path / "t.csv", jobs=1).computed == computed
    digests = dict(FeatureTable.read(tmp_path / "t.csv").frame[["track_id", "digest"]].to_numpy())
    assert digests[r"low/a\udcff.flac"] == file_digest(odd)
    assert digests[r"low/a\x5cudcff.flac"] == file_digest(plain)
    plain.unlink()
    assert extract(music, tmp_path / "t.csv", jobs=1).reused == 7


def test_values_that_a_spreadsheet_rounded_are_computed_again(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    extract(music, table, jobs=1)
    whole = table.read_bytes()
    header, *lines = whole.decode().splitlines()
    rounded = [",".join([*row[:8], *(f"{float(cell):.6g}" for cell in row[8:])]) for row in map(_cells, lines)]
    table.write_text("\n".join([header, *rounded]) + "\n")
    saved = table.read_bytes()
    said = Listener()
    assert extract(music, table, jobs=1, progress=said).computed == 6
    assert "line 2" in said.lines[0]
    assert "(and 5 more rows)" in said.lines[0]
    assert table.read_bytes() == whole
    assert (tmp_path / "t.csv.old").read_bytes() == saved


def _cells(line: str) -> list[str]:
    return line.split(",")


def test_a_damaged_row_of_another_source_is_in_the_copy_that_is_kept(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    extract(music, table, jobs=1)
    damaged = table.read_text().replace("high/0.wav,high,", "high/0.wav,hi,gh,")
    table.write_text(damaged)
    done = extract([music / "low"], table, jobs=1)
    assert (done.tracks, done.others) == (3, 5)
    assert (tmp_path / "t.csv.old").read_text() == damaged


def test_a_table_behind_a_link_is_completed_where_it_is(music: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    for computed in (6, 0):
        assert extract(music, tmp_path / "link.csv", jobs=1).computed == computed
    assert (tmp_path / "link.csv").is_symlink()
    assert len(FeatureTable.read(tmp_path / "real.csv")) == 6
    assert FeatureTable.read(tmp_path / "link.csv").meta["feature_set"] == DEFAULT_SET


def test_the_time_to_see_that_nothing_is_to_do_grows_with_the_tracks_and_no_faster(tmp_path: Path) -> None:
    def seconds(tracks: int) -> float:
        manifest = Manifest.of("many", (Track(f"{i:06d}", tmp_path / str(i), f"{i:06d}") for i in range(tracks)))
        rows = {t.track_id: StoredRow((t.track_id, "", "", "", "", "", t.name, "d")) for t in manifest}
        store = SimpleNamespace(
            rows=rows, failures={}, seen={}, rewritten=set(), identity=IDENTITY, revise=lambda **_: None
        )
        start = time.process_time()
        assert _todo(manifest, store, SeriesStores(tmp_path, []), 1, Stop(), left_out=()) == ([], [])
        return time.process_time() - start

    seconds(1000)
    assert seconds(20_000) < 60 * min(seconds(1000) for _ in range(3)), "20 times the tracks"


def test_tags_of_any_bytes_and_length_leave_the_table_readable(music: Path, tmp_path: Path) -> None:
    for name, artist in (("nul.flac", b"a\0b"), ("long.flac", b"x" * 200_000), ("escape.flac", b"\x1b[31mred\xff")):
        _tag(music / "low" / "0.flac", music / "low" / name, artist)
    extract(music, tmp_path / "t.csv", jobs=1)
    assert extract(music, tmp_path / "t.csv", jobs=1).computed == 0
    artists = dict(FeatureTable.read(tmp_path / "t.csv").frame[["track_id", "artist"]].to_numpy())
    assert artists["low/nul.flac"] == "ab"
    assert artists["low/long.flac"] == "x" * 500
    assert "\x1b" not in artists["low/escape.flac"]


def _tag(source: Path, target: Path, artist: bytes) -> None:
    """Copy a FLAC file with one comment in place of all its own."""
    data = source.read_bytes()
    ends = 4
    while True:
        last, length = data[ends] & 0x80, int.from_bytes(data[ends + 1 : ends + 4], "big")
        ends += 4 + length
        if last:
            break
    comment = b"ARTIST=" + artist
    block = bytes(4) + (1).to_bytes(4, "little") + len(comment).to_bytes(4, "little") + comment
    info = bytes([data[4] & 0x7F]) + data[5:42]
    target.write_bytes(b"fLaC" + info + bytes([0x84]) + len(block).to_bytes(3, "big") + block + data[ends:])


def test_an_artist_index_goes_before_the_tags(music: Path, tmp_path: Path) -> None:
    (tmp_path / "artists.txt").write_text("low/0.flac ::: Ann\nlow/1.flac ::: Ben ::: New Title\n")
    source = open_source(music / "low", artists=tmp_path / "artists.txt")
    for _ in range(2):
        extract(source, tmp_path / "t.csv", jobs=1)
        told = FeatureTable.read(tmp_path / "t.csv", label="track_id").frame[["artist", "title"]].to_numpy().tolist()
        assert told == [["Ann", "low 0"], ["Ben", "New Title"], ["low artist 0", "low 2"]]


def test_a_source_without_music_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such file or folder"):
        extract(tmp_path / "nowhere", tmp_path / "t.csv")
    (tmp_path / "music").mkdir()
    with pytest.raises(RequestError, match="no audio files"):
        extract(tmp_path / "music", tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_the_rows_are_librosas(music: Path, tmp_path: Path) -> None:
    assert extract(music, tmp_path / "t.csv", jobs=1).verified is None
    verified = extract(music, tmp_path / "t.csv", jobs=1, verify=2).verified
    assert verified == verify(scan([music]), tmp_path / "t.csv", tracks=2)
    assert verified.tracks == ("high/0.wav", "low/2.flac")
    assert 0 < verified.largest < 0.01


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_verification_decodes_by_librosa_itself(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extract(music, tmp_path / "t.csv", jobs=1)
    monkeypatch.setattr("genreclf.audio.load", lambda *_, **__: pytest.fail("decoded by genreclf's own reader"))
    assert verify(scan([music]), tmp_path / "t.csv", tracks=2).largest < 0.01


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_rows_of_tracks_without_a_genre_are_verified_too(music: Path, tmp_path: Path) -> None:
    extract(music / "low", tmp_path / "t.csv", jobs=1)
    assert verify(scan([music / "low"]), tmp_path / "t.csv", tracks=1).tracks == ("0.flac",)


@pytest.mark.parametrize(
    "option",
    [
        *({"offset": seconds} for seconds in (-1.0, float("nan"))),
        *({"duration": seconds} for seconds in (0.0, 0.01, 5000.0, float("nan"))),
        *({"timeout": seconds} for seconds in (0.0, float("nan"), float("inf"))),
        {"jobs": 0},
    ],
)
def test_an_option_that_makes_no_sense_is_refused_and_leaves_no_table(
    music: Path, tmp_path: Path, option: dict[str, float]
) -> None:
    with pytest.raises(RequestError, match=rf"(--)?{next(iter(option))}\b"):
        extract(music, tmp_path / "t.csv", **option)
    assert not list(tmp_path.glob("*t.*"))


@pytest.fixture
def longer_music(music: Path) -> Path:
    for number in range(3, 20):
        soundfile.write(music / "low" / f"{number}.flac", note(100.0 + number, seconds=4), 22050)
    return music


def test_ctrl_c_finishes_what_is_under_way_and_the_next_run_completes_it(longer_music: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.csv"
    extract(longer_music, whole, jobs=1)
    table = tmp_path / "t.csv"
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*COMMAND, longer_music, "-o", table, "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _wait_for_rows(table, 3)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert 3 <= len(FeatureTable.read(table)) < 23
    extract(longer_music, table, jobs=1)
    assert table.read_bytes() == whole.read_bytes()


def test_ctrl_c_twice_stops_at_once_and_says_how_to_go_on(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    soundfile.write(music / "low" / "long.wav", np.tile(note(110.0, seconds=60), 30), 22050)
    process = _started(music / "low" / "long.wav", "-o", table, "--duration", "3600")
    while not table.exists():
        time.sleep(0.05)
    for _ in range(2):
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("genreclf: stopped; ")
    assert "the same command goes on" in said
    assert "Traceback" not in said


def test_ctrl_c_ends_the_wait_for_another_run(music: Path, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".t.csv.lock"):
        process = _started(music, "-o", tmp_path / "t.csv")
        assert process.stderr is not None
        assert "another run is writing" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read().startswith("genreclf: stopped; ")
        process.stderr.close()


def _started(*arguments: object, jobs: int = 1) -> subprocess.Popen[str]:
    """An extraction in a session of its own, so that signals reach it alone."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [*COMMAND, *map(str, arguments), "--jobs", str(jobs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking with threads
def test_a_run_killed_at_any_moment_loses_nothing_that_was_written(longer_music: Path, tmp_path: Path) -> None:
    whole, table = tmp_path / "whole.csv", tmp_path / "t.csv"
    start = time.perf_counter()
    extract(longer_music, whole, jobs=1)
    seconds = time.perf_counter() - start
    moments = random.Random(0)  # noqa: S311 - when to kill is no secret

    def killed(process: int, kill: Callable[[int, int], None]) -> None:
        before = table.read_bytes() if table.exists() else b""
        kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        after = table.read_bytes() if table.exists() else b""
        assert set(before.splitlines(keepends=True)[:-1]) <= set(after.splitlines(keepends=True)), "no row is lost"

    with _started(longer_music, "-o", table, jobs=2) as command:
        _wait_for_rows(table, 3)
        killed(command.pid, os.killpg)
    # Forks import nothing: each is killed while it extracts. benchmarks/attack.py strikes every call that writes.
    for _ in range(12):
        if moments.uniform(0, 1) < 0.3:
            for left in tmp_path.glob("*t.*"):
                left.unlink()
        child = os.fork()
        if not child:
            try:
                extract(longer_music, table, jobs=1)
            finally:
                os._exit(0)
        time.sleep(moments.uniform(0, 0.7 * seconds))
        killed(child, os.kill)
    extract(longer_music, table, jobs=1)
    assert table.read_bytes() == whole.read_bytes()


FULL_DISK = """
import resource, runpy, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
runpy.run_module("genreclf", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are those of POSIX")
def test_a_disk_that_fills_up_is_told_of_once_and_costs_no_row(music: Path, tmp_path: Path) -> None:
    whole, table = tmp_path / "whole.csv", tmp_path / "t.csv"
    extract(music, whole, jobs=1)
    room = len(b"".join(whole.read_bytes().splitlines(keepends=True)[:4]))
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", FULL_DISK, str(room), "extract", music, "-o", table, "--jobs", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert [line for line in ran.stderr.splitlines() if "cannot write" in line] == [
        f"genreclf: cannot write {table}: File too large; choose another place or make room"
    ]
    assert 0 < len(FeatureTable.read(table)) < 6
    assert set(table.read_bytes().splitlines()) < set(whole.read_bytes().splitlines())
    extract(music, table, jobs=1)
    assert table.read_bytes() == whole.read_bytes()


def _wait_for_rows(table: Path, rows: int) -> None:
    for _ in range(3000):  # a machine with much else to do takes its time to start a command
        if table.exists() and table.read_bytes().count(b"\n") > rows:
            return
        time.sleep(0.05)
    raise AssertionError("no rows within 150 s")
