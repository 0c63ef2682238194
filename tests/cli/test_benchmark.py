"""The command: one call of the library, the ranking on standard output, notes and errors on standard error."""

import json
from functools import partial

import pytest
from made_up import made_up_table


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "features" / "made.csv"
    made_up_table().write(path)
    return path


@pytest.fixture
def run(command_line):
    return partial(command_line, "benchmark")


def test_the_ranking_the_leak_and_the_place_of_the_report_are_shown(run, table, tmp_path):
    code, out, err = run(table, "-o", tmp_path / "report", "--models", "svc,most_frequent", "--draws", 50)
    assert code == 0
    assert "SVC" in out
    assert "Artist leakage: SVC scores " in out
    assert str(tmp_path / "report" / "report.html") in out
    assert (tmp_path / "report" / "scores.csv").is_file()
    assert "Traceback" not in err


def test_json_is_one_document_without_nan(run, table, tmp_path):
    code, out, _ = run(table, "-o", tmp_path / "r", "--models", "svc,logreg", "--draws", 50, "--json", "--ablate")
    told = json.loads(out, parse_constant=pytest.fail)
    assert code == 0
    assert {row["protocol"] for row in told["scores"]} == {"cv-artist", "cv-random"}
    assert told["best"] in ("svc", "logreg")
    assert told["ablation"]


def test_the_ablation_is_a_table(run, table, tmp_path):
    _, out, _ = run(
        *(table, "-o", tmp_path / "r", "--models", "logreg", "--draws", 50, "--ablate", "--no-group"),
        *("--features", "mfcc, tonnetz"),
    )
    assert "+ tonnetz" in out
    assert "leak" not in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--models", "svm"), "unknown model 'svm'; choose from"),
        (("--protocol", "loo"), "unknown protocol 'loo'"),
        (("--label", "mood"), "no column 'mood'"),
        (("--features", "loudness"), "no feature family 'loudness'"),
    ],
)
def test_a_request_that_makes_no_sense_is_one_line_and_exit_code_2(run, table, tmp_path, arguments, line):
    code, out, err = run(table, "-o", tmp_path / "r", *arguments)
    assert code == 2
    assert out == ""
    assert line in err
    assert err.count("\n") == 1


def test_where_no_artist_is_known_terminal_page_and_markdown_open_with_it(run, tmp_path):
    table = made_up_table()
    nobody = table.with_frame(table.frame.drop(columns="artist"), table.features)
    nobody.write(tmp_path / "nobody.csv")
    _, out, _ = run(tmp_path / "nobody.csv", "-o", tmp_path / "r", "--models", "logreg", "--draws", 50)
    assert out.startswith("Unknown artists: no artist is known, so ")
    assert out.count("Unknown artists") == 1
    findings = [line for line in (tmp_path / "r" / "report.md").read_text().splitlines() if line.startswith("- **")]
    assert findings[0].startswith("- **Unknown artists:** no artist is known")
    page = (tmp_path / "r" / "report.html").read_text()
    assert page.index("Unknown artists") < page.index("Best model")


def test_where_artists_are_known_nothing_is_said_of_unknown_ones(run, table, tmp_path):
    _, out, _ = run(table, "-o", tmp_path / "r", "--models", "logreg", "--draws", 50, "--protocol", "cv-random")
    assert "Unknown artists" not in out
