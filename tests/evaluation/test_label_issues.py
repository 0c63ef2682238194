"""Label issues: the counts of confident learning, and exchanged labels found in made-up tables."""

import dataclasses

import numpy as np
import pytest
from made_up import made_up_table

from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.comparison import Comparison
from genreclf.evaluation.label_issues import find_label_issues
from genreclf.reports.findings import findings


def test_thresholds_joint_and_issues_are_those_worked_out_by_hand() -> None:
    probabilities = np.array(
        [[0.9, 0.1, 0.0], [0.7, 0.2, 0.1], [0.2, 0.8, 0.0], [0.1, 0.6, 0.3], [0.6, 0.4, 0.0], [0.3, 0.3, 0.4]]
    )
    found = find_label_issues(np.array([0, 0, 0, 1, 1, 1]), probabilities)
    # 0: (0.9 + 0.7 + 0.2) / 3; 1: (0.6 + 0.4 + 0.3) / 3; nothing is labelled 2.
    np.testing.assert_allclose(found.thresholds, [0.6, 1.3 / 3, np.nan])
    np.testing.assert_array_equal(found.confident_joint, [[2, 1, 0], [1, 1, 0], [0, 0, 0]])
    assert found.tracks.tolist() == [2, 4]
    assert found.suggested.tolist() == [1, 0]


def test_equal_probabilities_are_no_issue() -> None:
    found = find_label_issues(np.arange(30) % 3, np.full((30, 3), 1 / 3))
    assert not len(found.tracks)


@pytest.fixture(scope="module")
def exchanged():
    """A table of which one label in twenty is exchanged, what was, and its comparison."""
    table = made_up_table(tracks=300, genres=4, artists_per_genre=15, features=12, spread=1.5, artist_spread=0.4)
    rng = np.random.default_rng(1)
    wrong = rng.permutation(len(table))[:15]
    genres = table.y.copy()
    for row in wrong:
        genres[row] = rng.choice([genre for genre in table.genres if genre != genres[row]])
    mixed = dataclasses.replace(table, frame=table.frame.assign(genre=genres))
    options = {"protocol": "cv-artist", "repeats": 1, "draws": 50, "jobs": 1}
    return table, mixed, wrong, benchmark(mixed, models=["logreg"], **options)


def test_most_exchanged_labels_are_found_and_their_true_genre_is_suggested(exchanged) -> None:
    table, mixed, wrong, comparison = exchanged
    issues = comparison.label_issues
    rows = [list(mixed.ids).index(track) for track in issues["track_id"]]
    hits = np.isin(rows, wrong)
    assert hits.sum() >= 0.6 * len(wrong)
    assert hits.mean() >= 0.6
    assert (issues["suggested"].to_numpy()[hits] == table.y[rows][hits]).mean() >= 0.9
    assert issues["score"].is_monotonic_decreasing
    assert (issues["genre"] == mixed.y[rows]).all()
    assert issues["artist"].tolist() == mixed.frame["artist"].iloc[rows].tolist()


def test_the_report_folder_keeps_them_and_the_findings_name_the_first(exchanged, tmp_path) -> None:
    comparison = exchanged[3]
    comparison.write(tmp_path)
    read = Comparison.read(tmp_path).label_issues
    assert read.to_csv(index=False) == comparison.label_issues.to_csv(index=False)
    text = next(finding.text for finding in findings(comparison) if finding.topic == "Label issues")
    first = comparison.label_issues.iloc[0]
    assert f"disagrees with the labels of {len(comparison.label_issues)} tracks of 300, most surely of" in text
    assert f"{first['track_id']} (labelled {first['genre']}; {first['suggested']} at " in text


def test_without_probabilities_there_are_none() -> None:
    comparison = benchmark(made_up_table(), models="svc", protocol="cv-artist", repeats=1, draws=50, jobs=1)
    assert comparison.label_issues.empty
