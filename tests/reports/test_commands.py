import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_comparisons import MODELS, made_up_comparison
from typer.testing import CliRunner

from genreclf.cli import app
from genreclf.cli.ranking import show_comparison
from genreclf.cli.run_comparison import show_run_comparison
from genreclf.errors import RequestError
from genreclf.evaluation.run_comparison import compare_runs, read_runs
from genreclf.features import describe
from genreclf.reports import write_report

RUN = CliRunner()


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("runs")
    first = made_up_comparison(models=MODELS[:2])
    other = replace(first, run=dict(first.run) | {"seed": 7})
    for name, run in (("first", first), ("other", other)):
        write_report(run, folder / name)
    return [str(folder / "first"), str(folder / "other")]


def test_compare_prints_scores_and_changes_and_writes_the_page(reports, tmp_path):
    result = RUN.invoke(app, ["compare", *reports, "-o", str(tmp_path / "page.html")])
    assert result.exit_code == 0
    assert "SVC" in result.output
    assert "n.s." in result.output
    assert "seed: 42 | 7" in result.output
    assert (tmp_path / "page.html").is_file()
    assert (tmp_path / "page.md").is_file()


def test_compare_gives_json_to_programs(reports):
    result = RUN.invoke(app, ["compare", *reports, "--json"])
    told = json.loads(result.output)
    assert told["runs"] == ["first", "other"]
    assert {row["verdict"] for row in told["standings"] if row["run"] == "other"} == {"same"}
    assert told["standings"][0]["p_value"] is None


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_terminal_is_too_narrow_for_a_number(width, reports, monkeypatch, capsys):
    monkeypatch.setattr("genreclf.cli.console._WIDTH_OF_NO_TERMINAL", width)
    show_comparison(made_up_comparison(models=MODELS[:3]), "folder")
    show_run_comparison(compare_runs(read_runs([Path(report) for report in reports])))
    printed = capsys.readouterr().out
    assert "\u2026" not in printed.split("contents")[0]
    ranking = made_up_comparison(models=MODELS[:3]).ranking
    for score in ranking["macro_f1"]:
        assert f"{100 * score:.1f}" in printed
    assert printed.count(" n.s.\n") + printed.count(" n.s. ") == 2
    lines = printed.splitlines()
    table = lines[: next(i for i, line in enumerate(lines) if line.startswith("report:"))]
    assert max(len(line.rstrip()) for line in table if line.startswith("  ")) <= max(width, 56)


@pytest.fixture(scope="module")
def faultless(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("faultless")
    run = made_up_comparison(models=MODELS[:2], full=False)
    write_report(replace(run, predictions=run.predictions.assign(svc=run.predictions["genre"])), folder)
    return str(folder)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_stream_of_any_encoding_can_show_a_comparison(encoding, reports, faultless, command_line, monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, encoding=encoding))
    code, _, err = command_line("compare", faultless, reports[0])  # the difference is below zero
    assert (code, err) == (0, "")
    assert b"not significant" in shown.getvalue()


def test_compare_refuses_a_folder_without_a_report(reports, tmp_path):
    result = RUN.invoke(app, ["compare", reports[0], str(tmp_path)])
    assert isinstance(result.exception, RequestError)
    assert "no scores.csv" in str(result.exception)


def test_inspect_gives_json_to_programs(tmp_path):
    noise = np.random.default_rng(0).normal(scale=0.1, size=22050).astype(np.float32)
    track, page = tmp_path / "noise.wav", tmp_path / "noise.html"
    soundfile.write(track, noise, 22050, subtype="FLOAT")
    result = RUN.invoke(app, ["inspect", str(track), "-o", str(page), "--json"])
    told = json.loads(result.stdout)
    assert (told["path"], told["page"], told["png"]) == (str(track), str(page), None)
    assert (told["seconds"], told["sample_rate"], told["table"], told["genres"]) == (1.0, 22050, None, None)
    known = describe(noise, 22050, feature_set="study")
    assert {name: row["value"] for name, row in told["features"].items()} == pytest.approx(known, rel=1e-9)
    assert {row["percentile"] for row in told["features"].values()} == {None}
    assert page.is_file()


def test_inspect_writes_the_page_and_the_picture(tmp_path):
    noise = np.random.default_rng(0).normal(scale=0.1, size=22050).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, 22050)
    page, picture = tmp_path / "noise.html", tmp_path / "noise.png"
    result = RUN.invoke(app, ["inspect", str(tmp_path / "noise.wav"), "-o", str(page), "--png", str(picture)])
    assert result.exit_code == 0, result.output
    assert page.is_file()
    assert picture.read_bytes().startswith(b"\x89PNG")
