"""The command line: quick to answer, one line for what makes no sense, exit codes that mean something."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import genreclf
from genreclf import __version__
from genreclf.errors import RequestError
from genreclf.evaluation.comparison import check_report_folder
from genreclf.extraction import extract
from genreclf.inspection import check_page, check_picture
from genreclf.models.bundle.bundle import KIND
from genreclf.pages.page import check_pages

LONG = "/".join(["x" * 200] * 25) + "/y.csv"
GENRECLF = [sys.executable, "-m", "genreclf"]
COMMANDS = ("demo", "extract", "benchmark", "compare", "train", "predict", "index", "similar", "inspect", "datasets")


@pytest.mark.parametrize("code", ["import genreclf", "from genreclf.cli import app"])
def test_importing_loads_nothing_heavy(code: str) -> None:
    heavy = {"numba", "librosa", "scipy", "sklearn", "pandas", "matplotlib", "catboost", "soundfile"}
    asked = f"import sys; {code}; print(sorted({heavy!r} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout.strip() == "[]"


def test_help_answers_at_once() -> None:
    def seconds() -> float:
        before = os.times()
        subprocess.run([*GENRECLF, "--help"], stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own program
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    # Of a burst of work beside it, a median of runs is little moved; a machine with more to do than cores has
    # every start waiting, so time is counted as the processor's, which waiting does not add to.
    assert statistics.median(seconds() for _ in range(7)) < 0.5


def test_every_command_has_help_and_a_line_of_what_it_does(command_line) -> None:
    code, shown, _ = command_line("--help")
    assert code == 0
    for command in COMMANDS:
        assert command in shown
        assert command_line(command, "--help")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("extract", "nowhere"), "nowhere: no such file or folder"),
        (("extract", ".", "--feature-set", "best"), "unknown feature set 'best'; choose from study, texture, fma"),
        (("benchmark", "none.csv"), "none.csv: no such file"),
        (("benchmark", "t.csv", "--models", "svm"), "unknown model 'svm'; choose from svc,"),
        (("benchmark", "t.csv", "--models", "svm"), "did you mean 'svc'?"),
        (("benchmark", "t.csv", "--models", "random_forest"), "did you mean 'rf'?"),
        (("benchmark", "t.csv", "--models", "xgboost"), "'histgb' is of the same kind"),
        (("extract", "https://host//all.pls?token=x"), "https://host//all.pls: a playlist elsewhere; download it"),
        (("extract", "ftp://user:pass@host/a.mp3"), "ftp://host/a.mp3: ftp:// is not read; choose from s3://"),
        (("inspect", "https://me:secret@host//a.mp3"), "https://host/a.mp3: a URL; name a file on this disk"),
        (("benchmark", "https://host//a.csv"), "https://host//a.csv: a URL; name a file on this disk"),
        (("extract", "*.mp3"), "*.mp3: no file matches this pattern"),
        (("predict", "m.genreclf", "a.wav", "--to", "x"), "--only-empty go with --write-tags"),
        (("benchmark", "t.csv", "--protocol", "cv-artists"), "did you mean 'cv-artist'?"),
        (("benchmark", "t.csv", "--label", "gener"), "did you mean 'genre'?"),
        (("benchmark", "t.csv", "--seed", "-1"), "--seed"),
        (("benchmark", "t.csv", "--modles", "svc"), "no such option: --modles"),
        (("benchmark", "t.csv", "--folds", "five"), "see genreclf benchmark --help"),
        (("benchmrk",), "no such command 'benchmrk'. Did you mean 'benchmark'?"),
        (("benchmark", "."), ".: a folder, not a table"),
        (("benchmark", "m.genreclf"), "m.genreclf: a genreclf model, an index or another archive, not a table"),
        (("benchmark", "list.csv"), "genreclf extract list.csv"),
        (("benchmark", "t.csv", "-o", "t.csv"), "t.csv: a file, not a folder"),
        (("train", "t.csv", "-o", "t.csv"), "t.csv: is there already and is not a genreclf model"),
        (("train", "t.csv", "-o", "."), ".: a folder; name a file for a genreclf model"),
        (("index", "t.csv", "-o", "t.csv"), "t.csv: is there already and is not a genreclf index"),
        (("extract", "list.csv", "-o", LONG), "File name too long"),
        (("index", "t.csv", "-o", LONG), "File name too long"),
        (("index", "t.csv", "-o", "i", "--metric", "ldaa"), "did you mean 'lda'?"),
        (("inspect", "a.wav", "-o", "t.csv"), "t.csv: is there already and is not a page of genreclf"),
        (("inspect", "a.wav", "-o", "z", "--png", "z"), "z: the page goes there"),
        (("inspect", "a.wav", "--png", "t.csv"), "t.csv: is there already and is not a PNG picture"),
        (("predict", "m.genreclf", "a.wav", "--csv", "list.csv"), "list.csv: is there already and is not a table of"),
        (("predict", "m.genreclf", "a.wav", "-o", "x.txt"), "x.txt: predictions are written as .csv, .jsonl, .parquet"),
        (("compare", "a", "b", "-o", "page.md"), "name the page, page.html"),
        (("predict", "none.genreclf", "."), "none.genreclf: no such file"),
        (("inspect", "none.mp3"), "none.mp3"),
        (("compare", "none", "nil"), "none"),
        (("datasets", "info", "best"), "unknown data set 'best'; choose from fma, gtzan"),
    ],
)
def test_a_request_that_makes_no_sense_gets_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line, arguments: tuple[str, ...], message: str
) -> None:
    rows = "\n".join(f"{i},{'ab'[i % 2]},{i * i % 7}" for i in range(30))
    (tmp_path / "t.csv").write_text(f"track_id,genre,x_mean_01\n{rows}\n")
    (tmp_path / "list.csv").write_text("path,genre\na.wav,rock\nb.wav,folk\n")
    (tmp_path / "m.genreclf").write_bytes(b"PK\x03\x04\0\0\xff")
    (tmp_path / "a.wav").touch()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.chdir(tmp_path)
    code, out, err = command_line(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("arguments", [(), ("datasets",)])
def test_a_bare_command_shows_its_help(command_line, arguments: tuple[str, ...]) -> None:
    code, out, err = command_line(*arguments)
    assert (code, err) == (0, "")
    assert "Usage: genreclf" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str) -> None:
    asked = {"_GENRECLF_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "genreclf pre"}
    asked |= {"COMP_WORDS": "genreclf pre", "COMP_CWORD": "1", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(GENRECLF, capture_output=True, text=True, env=os.environ | asked, check=False)  # noqa: S603
    assert "predict" in done.stdout


def test_a_model_is_known_in_any_case(tmp_path: Path) -> None:
    assert genreclf.models.build("SVC").named_steps.keys() == genreclf.models.build("svc").named_steps.keys()


def test_tables_that_are_piped_have_no_blanks_at_their_ends(capsys: pytest.CaptureFixture[str]) -> None:
    from genreclf.cli.console import print_widest, text_table

    print_widest([text_table("日本", ["a", "日本語"], {"name": str, "n": lambda row: str(len(row))}, left=["name"])])
    lines = capsys.readouterr().out.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert lines[-2:] == ["  日本語   3", ""]


def test_the_version_is_told(command_line) -> None:
    assert command_line("--version") == (0, f"genreclf {__version__}\n", "")


def test_a_track_is_never_replaced_by_its_own_page(music: Path, tmp_path: Path, command_line) -> None:
    track = Path(shutil.copy(next(music.rglob("*.*")), tmp_path))
    sound = track.read_bytes()
    for option in (("-o", track), ("-o", tmp_path / "page.html", "--png", track)):
        assert command_line("inspect", track, *option)[:2] == (2, "")
        assert track.read_bytes() == sound


@pytest.fixture
def model(music: Path, tmp_path: Path, in_this_process: None) -> Path:
    extract(music, tmp_path / "t.csv", jobs=1)
    genreclf.train(genreclf.FeatureTable.read(tmp_path / "t.csv"), model="logreg").save(tmp_path / "m.genreclf")
    return tmp_path / "m.genreclf"


def test_a_page_a_model_and_predictions_can_be_made_again(
    music: Path, model: Path, tmp_path: Path, command_line
) -> None:
    track = next(path for path in music.rglob("*.*") if path.is_file())
    made = {
        "page.html": b'<!doctype html>\n<meta name="generator" content="genreclf 0.1.0">',
        "page.png": b"\x89PNG\r\n\x1a\n\0\0\0\x11tEXtSoftware\0genreclf",
        "p.csv": b"path,genre,",
        model.name: model.read_bytes(),
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    for arguments in (
        ("train", tmp_path / "t.csv", "-o", model, "--model", "svc"),
        ("predict", model, track, "--csv", tmp_path / "p.csv", "--jobs", "1"),
        ("inspect", track, "-o", tmp_path / "page.html", "--png", tmp_path / "page.png"),
    ):
        assert command_line(*arguments)[0] == 0
    for name, content in made.items():
        assert (tmp_path / name).read_bytes() != content


def test_only_what_bears_our_mark_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line) -> None:
    """A zip, a page, a picture and a report that somebody else made stay, also behind a link."""
    rows = "\n".join(f"{i},{'ab'[i % 2]},{i * i % 7}" for i in range(30))
    (tmp_path / "t.csv").write_text(f"track_id,genre,x_mean_01\n{rows}\n")
    for name, content in {
        "music.zip": b"PK\x03\x04" + bytes(2000),
        "page.html": b"<!doctype html>\n<title>Mine</title>",
        "cover.png": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "mine/report.html": b"<!doctype html>",
        "notes/scores.csv": b"player,goals\n",
        "logs/run.json": b'{"notes": []}',
        "pages/new.md": b"# Mine",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "link").symlink_to("music.zip")
    (tmp_path / "folder").symlink_to("notes")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for place in ("music.zip", "link"):
        with pytest.raises(RequestError, match="is there already and is not a genreclf"):
            KIND.check_place(tmp_path / place)
    for check, place in ((check_page, "page.html"), (check_picture, "cover.png")):
        with pytest.raises(RequestError, match="is there already and is not a"):
            check(tmp_path / place)
    for place in ("mine", "notes", "logs", "folder"):
        with pytest.raises(RequestError, match="does not belong to a report of genreclf"):
            check_report_folder(tmp_path / place)
    with pytest.raises(RequestError, match=r"new\.md: is there already and does not belong"):
        check_pages(tmp_path / "pages" / "new.html")
    monkeypatch.chdir(tmp_path)
    for arguments in (("train", "t.csv", "-o", "link"), ("benchmark", "t.csv", "-o", "folder")):
        code, _, err = command_line(*arguments)
        assert (code, len(err.splitlines())) == (2, 1)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_audio_a_model_cannot_be_asked_about_is_said_when_it_is_trained(tmp_path: Path, command_line) -> None:
    rows = "\n".join(f"{i},{'ab'[i % 2]},{i * i % 7}" for i in range(30))
    (tmp_path / "t.csv").write_text(f"track_id,genre,x_mean_01\n{rows}\n")
    code, _, err = command_line("train", tmp_path / "t.csv", "-o", tmp_path / "m.genreclf", "--model", "logreg")
    assert code == 0
    assert "how t was made is unknown" in err


def test_a_folder_without_music_has_nothing_to_predict(notes_model: Path, tmp_path: Path, command_line) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = command_line("predict", notes_model, tmp_path / "empty")
    assert (code, out) == (2, "")
    assert "no audio files there" in err


@pytest.mark.usefixtures("in_this_process")
def test_bad_tracks_are_listed_and_the_exit_code_is_1(music: Path, tmp_path: Path, command_line) -> None:
    (music / "low" / "bad.mp3").write_text("no music")
    code, out, err = command_line("extract", music, "-o", tmp_path / "t.csv", "--json")
    assert code == 1
    summary = json.loads(out)
    assert (summary["tracks"], summary["computed"], len(summary["failed"])) == (7, 6, 1)
    assert "failed: low/bad.mp3" in err


@pytest.mark.skipif(os.name != "posix", reason="descriptors are passed on as POSIX does")
def test_extracting_needs_no_standard_error(music: Path, tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", '"$@" 2>&-', "sh", *GENRECLF, "extract", str(music), "-o", str(tmp_path / "table.csv")]
    command += ["--jobs", "1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == 0
    assert "6 computed" in done.stdout
