"""The command line: quick to answer, one line for what makes no sense, exit codes that mean something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

GENRECLF = [sys.executable, "-m", "genreclf"]
COMMANDS = ("demo", "extract", "benchmark", "compare", "train", "predict", "index", "similar", "inspect", "datasets")


def ran(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*GENRECLF, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)  # noqa: S603 - our own program


@pytest.mark.parametrize("code", ["import genreclf", "from genreclf.cli import app"])
def test_importing_loads_nothing_heavy(code: str) -> None:
    heavy = {"numba", "librosa", "scipy", "sklearn", "pandas", "matplotlib", "catboost", "soundfile"}
    asked = f"import sys; {code}; print(sorted({heavy!r} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout.strip() == "[]"


def test_help_answers_at_once() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        assert ran("--help").returncode == 0
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.8, "0.4 s on an idle machine, twice that on a busy one"


def test_every_command_has_help_and_a_line_of_what_it_does() -> None:
    shown = ran("--help").stdout
    for command in [
        "demo",
        "extract",
        "benchmark",
        "compare",
        "train",
        "predict",
        "index",
        "similar",
        "inspect",
        "datasets",
    ]:
        assert command in shown
        assert ran(command, "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("extract", "nowhere"), "nowhere: no such file or folder"),
        (("extract", ".", "--feature-set", "best"), "unknown feature set 'best'; choose from study, fma"),
        (("benchmark", "none.csv"), "none.csv: no such file"),
        (("benchmark", "t.csv", "--models", "svm"), "unknown model 'svm'; choose from svc,"),
        (("predict", "none.genreclf", "."), "none.genreclf: no such file"),
        (("inspect", "none.mp3"), "none.mp3"),
        (("compare", "none", "nil"), "none"),
        (("datasets", "info", "best"), "unknown data set 'best'; choose from fma, gtzan"),
    ],
)
def test_a_request_that_makes_no_sense_gets_one_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    rows = "\n".join(f"{i},{'ab'[i % 2]},{i * i % 7}" for i in range(30))
    (tmp_path / "t.csv").write_text(f"track_id,genre,x_mean_01\n{rows}\n")
    (tmp_path / "a.wav").touch()
    shown = ran(*arguments, cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert said in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_bad_tracks_are_listed_and_the_exit_code_is_1(music: Path, tmp_path: Path) -> None:
    (music / "low" / "bad.mp3").write_text("no music")
    shown = ran("extract", music, "-o", tmp_path / "t.csv", "--json")
    assert shown.returncode == 1
    summary = json.loads(shown.stdout)
    assert (summary["tracks"], summary["computed"], len(summary["failed"])) == (7, 6, 1)
    assert "failed: low/bad.mp3" in shown.stderr


@pytest.mark.skipif(os.name != "posix", reason="descriptors are passed on as POSIX does")
def test_extracting_needs_no_standard_error(music: Path, tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", '"$@" 2>&-', "sh", *GENRECLF, "extract", str(music), "-o", str(tmp_path / "table.csv")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == 0
    assert "6 computed" in done.stdout
