"""Batches: rows come as they are ready, nothing that is wrong with a track stops the others, and a kill loses none."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
import soundfile
from made_up import note
from tinytag import TinyTag
from typer.testing import CliRunner

import genreclf
from genreclf import workers
from genreclf.batch import Batch
from genreclf.cli import app
from genreclf.errors import RequestError, TrackError
from genreclf.tagging import Tagger

RATE = 22050


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders with a file of one name, a hidden file, a broken one, a playlist; the current folder."""
    for name, base in (("party/1.flac", 110.0), ("日本 🎷/1.flac", 900.0), ("party/.hidden.flac", 110.0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, note(base, seed=1), RATE)
    (tmp_path / "party" / "bad.mp3").write_text("no music")
    (tmp_path / "all.m3u8").write_text("party/1.flac\n日本 🎷/1.flac\ngone.mp3\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process, where nothing has to start."""

    def run(function, items, *, stop=None, **_):
        for index, item in workers._numbered(items):
            if stop is not None and stop.requested:
                return
            yield workers._limited(function, index, item, 60.0)

    monkeypatch.setattr(workers, "run", run)
    monkeypatch.setattr(workers, "_settle", lambda: None)


def test_a_library_is_predicted_tagged_and_listed(library: Path, notes_model: Path, here: None) -> None:
    asked = ["predict", str(notes_model), "party", "日本 🎷", "all.m3u8", "nope/*.mp3", "-o", "out.csv"]
    asked += ["--write-tags", "--to", "tagged", "--playlists", "lists", "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1, done.output
    rows = {row["path"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert {path: row["genre"] for path, row in rows.items()} == {
        "party/1.flac": "low", "party/bad.mp3": None, "日本 🎷/1.flac": "high", "gone.mp3": None, "nope/*.mp3": None,
    }  # fmt: skip
    assert rows["gone.mp3"]["error"]["code"] == "missing"
    assert "2 files are named more than once" in done.stderr
    tags = {name: TinyTag.get(library / "tagged" / name).genre for name in ("party/1.flac", "日本 🎷/1.flac")}
    assert tags == {"party/1.flac": "low", "日本 🎷/1.flac": "high"}
    assert (library / "lists" / "high.m3u8").read_text().splitlines()[-1] == "../日本 🎷/1.flac"
    before = (library / "out.csv").read_text().splitlines()
    again = CliRunner().invoke(app, asked)
    assert [json.loads(line)["path"] for line in again.stdout.splitlines()] == ["gone.mp3", "nope/*.mp3"]
    assert again.exit_code == 1
    assert (library / "out.csv").read_text().splitlines()[:4] == before[:4]
    assert len(before) == len((library / "out.csv").read_text().splitlines()) == 6


def test_a_list_on_standard_input_and_one_array(library: Path, notes_model: Path, here: None) -> None:
    shutil.copy(library / "party" / "1.flac", library / "a\nb.flac")
    done = CliRunner().invoke(
        app, ["predict", str(notes_model), "-", "-0", "--json-array"], input="a\nb.flac\0party\0gone.mp3\0"
    )
    assert done.exit_code == 1
    rows = json.loads(done.stdout)
    assert [row["path"] for row in rows] == [r"a\x0ab.flac", "party/1.flac", "party/bad.mp3", "gone.mp3"]
    assert [row["genre"] for row in rows] == ["low", "low", None, None]
    assert CliRunner().invoke(app, ["predict", str(notes_model), "-", "--json-array"], input="").stdout == "[]\n"


def test_a_dry_run_and_only_empty_write_what_they_say(library: Path, notes_model: Path, here: None) -> None:
    before = (library / "party" / "1.flac").read_bytes()
    asked = ["predict", str(notes_model), "party/1.flac", "--write-tags", "--in-place"]
    done = CliRunner().invoke(app, [*asked, "--dry-run"])
    assert "(genre none -> low)" in done.stdout
    assert (library / "party" / "1.flac").read_bytes() == before
    Tagger(in_place=True)  # mutagen is there
    from genreclf.tagging import write_genre

    write_genre(library / "party" / "1.flac", library / "party" / "1.flac", "mine")
    for option, genre, status in (("--only-empty", "mine", "kept"), ("--json", "low", "written")):
        done = CliRunner().invoke(app, [*asked, "--json", option])
        assert json.loads(done.stdout)["tag"] == {"status": status, "before": "mine"}
        assert TinyTag.get(library / "party" / "1.flac").genre == genre


def test_copies_inside_the_source_are_no_tracks(library: Path, notes_model: Path, here: None) -> None:
    predictor = genreclf.load(notes_model)
    for _ in range(2):
        batch = Batch(predictor, ["."], tagger=Tagger(to=Path("tagged")))
        assert [p.path for p, _ in batch if not p.error] == ["party/1.flac", "日本 🎷/1.flac"]
        assert batch.refused == 0, "a copy with the same genre is done"
    assert sorted(p.name for p in (library / "tagged").rglob("*.flac")) == ["1.flac", "1.flac"]


def test_sources_that_hold_nothing_are_refused(library: Path, notes_model: Path) -> None:
    (library / "empty").mkdir()
    with pytest.raises(RequestError, match="empty: no audio files there"):
        list(Batch(genreclf.load(notes_model), ["empty"]))
    with pytest.raises(RequestError, match="no source named"):
        Batch(genreclf.load(notes_model), [])


def test_what_is_missing_for_some_files_is_said_before(
    library: Path, notes_model: Path, here: None, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for number in range(8):
        (library / "party" / f"{number}.m4a").write_text("no music")
    done = CliRunner().invoke(app, ["predict", str(notes_model), "party"])
    lines = done.stderr.splitlines()
    assert lines[0] == '8 m4a files need PyAV: pip install "genreclf[m4a]"'
    assert sum("PyAV" in line for line in lines) == 2, "once before, once as the first fails"


def test_memory_does_not_grow_with_the_tracks(library: Path, notes_model: Path, monkeypatch) -> None:
    def run(function, items, **_):
        for index, item in workers._numbered(items):
            yield workers.Outcome(index, None, TrackError("unreadable", f"no music in {item}"), 0.0)

    monkeypatch.setattr(workers, "run", run)
    names = io.BytesIO("".join(f"a folder/{number:05d}.flac\n" for number in range(1500)).encode())
    batch = Batch(genreclf.load(notes_model), ["-"], stdin=names, output=library / "out.csv")
    sizes = []
    tracemalloc.start()
    for number, _ in enumerate(batch):
        if number % 500 == 499:
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert len(sizes) == 3
    assert (sizes[2] - sizes[1]) / 500 < 400, "bytes a track: its name among those that were taken"


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed in the way of POSIX")
@pytest.mark.usefixtures("in_this_process")
def test_a_batch_that_is_killed_goes_on_where_it_was(library: Path, notes_model: Path, command_line) -> None:
    (library / "many").mkdir()
    for number in range(14):
        shutil.copy(library / "party" / "1.flac", library / "many" / f"{number:02d}.flac")
    asked = [sys.executable, "-m", "genreclf", "predict", str(notes_model), "many", "party/bad.mp3"]
    asked += ["-o", "out.jsonl", "--jobs", "1"]
    process = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own program
    out = library / "out.jsonl"
    while process.poll() is None and (not out.exists() or out.read_bytes().count(b"\n") < 3):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    killed = out.read_text().splitlines()
    assert len(killed) >= 3
    code = command_line(*asked[3:])[0]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["path"] for row in rows] == [f"many/{n:02d}.flac" for n in range(14)] + ["party/bad.mp3"]
    assert [row["genre"] for row in rows] == ["low"] * 14 + [None]
    assert code == 1
