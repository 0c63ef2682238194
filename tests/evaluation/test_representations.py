"""Representations side by side: the same tracks, folds and heads, paired."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from made_up import made_up_table

from genreclf.errors import RequestError
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.representations import compare_representations


@pytest.fixture(scope="module")
def table():
    """A made-up table with a family of noise, and tags that follow the genres."""
    made = made_up_table()
    rng = np.random.default_rng(0)
    noise = {f"noise_mean_{k:02d}": rng.normal(size=len(made)) for k in range(1, 4)}
    tags = [genre if number % 4 else f"{genre}|every" for number, genre in enumerate(made.y)]
    return made.with_frame(made.frame.assign(**noise, tags=tags), (*made.features, *noise))


def families(table):
    return [family for family in table.families if family != "noise"]


def test_noise_is_worse_than_what_tells_genres_and_the_scores_are_those_of_the_benchmark(table):
    good = "+".join(families(table))
    found = compare_representations({"genre": table}, [good, "noise"], repeats=1, jobs=1)
    first, second = found.scores["genre"]
    alone = benchmark(table, models="logreg", protocol="cv-artist", features=families(table), repeats=1, jobs=1)
    assert first.score == pytest.approx(alone.ranking["macro_f1"].iloc[0])
    assert (first.run, second.run) == (good, "noise")
    assert found.features == (len(table.features) - 3, 3)
    assert second.verdict == "worse"
    assert second.difference == pytest.approx(second.score - first.score)
    assert second.difference_low < second.difference < second.difference_high < 0


def test_without_grouping_the_folds_are_random(table):
    good = "+".join(families(table))
    found = compare_representations({"genre": table}, [good, "noise"], group=False, folds=2, repeats=1, jobs=1)
    options = {"protocol": "cv-random", "features": families(table), "folds": 2, "repeats": 1, "jobs": 1}
    alone = benchmark(table, models="logreg", **options)
    assert found.scores["genre"][0].score == pytest.approx(alone.ranking["macro_f1"].iloc[0])


def test_tags_are_compared_on_the_same_folds_and_a_part_with_itself_is_no_different(table):
    good, same = "+".join(families(table)), "+".join([*families(table), families(table)[0]])
    parts = [good, same, "noise"]
    found = compare_representations({"tags": table}, parts, min_tracks=2, min_artists=1, jobs=1)
    scores = {score.run: score for score in found.scores["tags"]}
    assert scores["noise"].difference < -0.2
    assert scores["noise"].verdict == "worse"
    assert scores[same].difference == pytest.approx(0, abs=1e-9)


def test_the_command_writes_a_report_and_json(table, tmp_path, command_line):
    table.write(tmp_path / "t.csv")
    good, folder = "+".join(families(table)), tmp_path / "report"
    words = ["benchmark", str(tmp_path / "t.csv"), "--representations", f"noise,{good}", "--labels", "genre,tags"]
    options = ["--min-tracks", "2", "--min-artists", "1", "--repeats", "1", "--jobs", "1", "-o", str(folder)]
    code, out, _ = command_line(*words, *options, "--json")
    assert code == 0
    document = json.loads(out)
    assert [(row["label"], row["representation"]) for row in document["scores"]] == [
        (label, name) for label in ("genre", "tags") for name in ("noise", good)
    ]
    with (folder / "representations.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 4
    assert json.loads((folder / "run.json").read_text())["parameters"]["labels"] == ["genre", "tags"]
    assert "Difference from noise" in (folder / "report.html").read_text()
    assert "points better with Logistic regression" in (folder / "report.md").read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--representations", "noise"], "name two or more to compare"),
        (["--representations", "noise,nose"], "no feature family 'nose'.*did you mean 'noise'"),
        (["--representations", "noise,mfcc", "--ablate"], "--ablate does not go with --representations"),
        (["--representations", "noise,mfcc", "--labels", "mood"], "mood"),
    ],
)
def test_requests_that_make_no_sense_are_one_line(table, tmp_path, command_line, *, words, line):
    table.write(tmp_path / "t.csv")
    code, _, err = command_line("benchmark", tmp_path / "t.csv", *words)
    assert code == 2
    (said,) = err.strip().splitlines()[-1:]
    assert re.search(line, said)


def test_fewer_than_two_are_refused(table):
    with pytest.raises(RequestError, match="name two or more"):
        compare_representations({"genre": table}, ["noise", "noise"])
