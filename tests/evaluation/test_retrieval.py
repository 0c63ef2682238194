"""Retrieval: measures computed by hand, the artist filter, and a metric that never saw the query's artist."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up_table
from typer.testing import CliRunner

import genreclf
from genreclf.cli import app
from genreclf.errors import RequestError
from genreclf.evaluation import retrieval as module
from genreclf.evaluation.retrieval import LEARNED, MUTUAL, PLAIN, precision


def test_precision_by_hand():
    ranked = np.array([1.0, 2, 3, 4, 5, np.inf])
    average, at_ten = precision(np.array([1.0, 3, 5]), ranked, left_out=1)
    assert average == pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 3)
    assert at_ten == pytest.approx(3 / 5)


def test_the_first_ten_of_many():
    ranked = np.arange(1.0, 31)
    average, at_ten = precision(ranked[::2], ranked, left_out=0)
    assert at_ten == 0.5
    assert average == pytest.approx(np.mean([(i + 1) / (2 * i + 1) for i in range(15)]))


def test_equal_distances_count_against_the_hits():
    average, at_ten = precision(np.zeros(2), np.zeros(20), left_out=0)
    assert average == pytest.approx(np.mean([1 / 19, 2 / 20]))
    assert at_ten == 0


def test_average_precision_is_that_of_scikit_learn():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(0)
    distances, same = rng.random(60), rng.random(60) < 0.4
    average, _ = precision(np.sort(distances[same]), np.sort(distances), left_out=0)
    assert average == pytest.approx(average_precision_score(same, -distances))


def test_the_table_has_its_columns_and_all_comes_first(made_table):
    found = genreclf.retrieval(made_table)
    assert list(found.columns) == ["method", "genre", "tracks", "average_precision", "precision_at_10"]
    assert list(dict.fromkeys(found["method"])) == [PLAIN, LEARNED, MUTUAL]
    for _, part in found.groupby("method"):
        assert list(part["genre"]) == ["all", "genre0", "genre1", "genre2"]
        everyone, *genres = part["average_precision"]
        counts = part["tracks"].to_numpy()[1:]
        assert counts.sum() == part["tracks"].iloc[0] == 120
        assert everyone == pytest.approx(np.average(genres, weights=counts))


def test_genres_far_apart_are_found_perfectly_and_noise_at_the_rate_of_chance():
    clear = genreclf.retrieval(made_up_table(spread=50.0, artist_spread=0.1)).query("genre == 'all'")
    assert clear["precision_at_10"].min() == 1.0
    noise = genreclf.retrieval(made_up_table(spread=0.0, artist_spread=0.0, tracks=300)).query("genre == 'all'")
    np.testing.assert_allclose(noise["precision_at_10"], 1 / 3, atol=0.06)


def test_what_only_the_artist_shares_earns_nothing():
    table = made_up_table(spread=0.0, artist_spread=20.0, tracks=240)
    kept = genreclf.retrieval(table).query("genre == 'all'")
    blind = replace(table, frame=table.frame.drop(columns="artist"))
    leaked = genreclf.retrieval(blind).query("genre == 'all'")
    assert leaked["precision_at_10"].iloc[0] > 0.9
    assert kept["precision_at_10"].max() < 0.55


def test_the_learned_metric_never_saw_the_artist_that_asks(made_table, monkeypatch):
    seen = []
    learned = module._learned
    monkeypatch.setattr(
        module, "_learned", lambda table, train, *how: seen.append(train) or learned(table, train, *how)
    )
    genreclf.retrieval(made_table)
    artists = made_table.groups
    rows = np.arange(len(made_table))
    tested = [np.setdiff1d(rows, train) for train in seen]
    assert sorted(np.concatenate(tested)) == list(rows)
    for train, test in zip(seen, tested, strict=True):
        assert not set(artists[train]) & set(artists[test])


def test_the_order_of_the_tracks_does_not_matter(made_table):
    shuffled = made_table.take(np.random.default_rng(1).permutation(len(made_table)))
    first, second = (genreclf.retrieval(t).query("method != @LEARNED") for t in (made_table, shuffled))
    np.testing.assert_allclose(first["average_precision"], second["average_precision"], atol=1e-6)


def test_metrics_are_compared_with_intervals_over_artists_and_paired(made_table):
    found = genreclf.compare_metrics(made_table, ["euclidean", "triplet", "lda"], repeats=2)
    assert (found.tracks, found.groups, found.repeats) == (120, len(set(made_table.groups)), 2)
    plain = genreclf.retrieval(made_table).query("genre == 'all'").set_index("method")
    scores = found.scores.set_index("metric")
    assert scores.loc["euclidean", "precision_at_10"] == pytest.approx(plain.loc[PLAIN, "precision_at_10"])
    assert (scores["precision_at_10_low"] < scores["precision_at_10"]).all()
    assert (scores["precision_at_10"] < scores["precision_at_10_high"]).all()
    both = found.differences.set_index(["metric", "other"])
    one, back = both.loc[("lda", "triplet")], both.loc[("triplet", "lda")]
    assert one["difference"] == pytest.approx(scores.loc["lda"].iloc[0] - scores.loc["triplet"].iloc[0], abs=1e-9)
    assert one["difference_low"] == -back["difference_high"]
    assert [line.split(":")[0] for line in found.verdicts()] == ["triplet", "lda"]


def test_an_interval_allows_for_the_artists_who_are_found_as_for_those_who_ask():
    made, found = made_up_table(tracks=72), []
    genres, artists = np.arange(72) % 3, np.arange(72) // 3 % 8
    for seed in range(25):
        rng = np.random.default_rng(seed)
        X = np.eye(3, 6)[genres] + 0.8 * rng.normal(size=(3, 8, 6))[genres, artists] + rng.normal(size=(72, 6))
        names = {"artist": [f"{genre}-{artist}" for genre, artist in zip(genres, artists, strict=True)]}
        table = made.with_frame(made.frame.assign(**names, **dict(zip(made.features, X.T, strict=True))), made.features)
        scores = genreclf.compare_metrics(table, ["euclidean", "cosine"]).scores
        found.append(scores.iloc[0, 1:4])
    value, low, high = np.array(found, dtype=float).T
    # Over 40 such tables it is 1.06; without the artists who are found, 0.56.
    assert 0.8 < (high - low).mean() / (2 * 2.1 * value.std(ddof=1)) < 1.4


def test_a_learned_metric_that_learns_from_noise_is_not_called_better():
    rng = np.random.default_rng(0)
    table = made_up_table(tracks=150)
    table = table.with_frame(table.frame.assign(genre=rng.permutation(table.y)), table.features)
    found = genreclf.compare_metrics(table, ["euclidean", "triplet"], repeats=1)
    assert found.verdicts()[0].startswith("triplet: not told apart from euclidean (")


@pytest.mark.parametrize(
    ("metrics", "options", "message"),
    [
        (["euclidean", "tripel"], {}, "unknown metric 'tripel'; choose from .* did you mean 'triplet'"),
        (["euclidean"], {}, "two metrics or more"),
        (["euclidean", "lda"], {"by": "mood"}, "unknown kind of label 'mood'"),
        (["euclidean", "lda"], {"by": "tags"}, "learned from one label a track"),
        (["euclidean", "triplet"], {"by": "tags"}, "column of tags"),
        (["euclidean", "lda"], {"repeats": 0}, "at least one"),
    ],
)
def test_comparisons_that_make_no_sense_are_refused_in_a_line(made_table, metrics, options, message):
    with pytest.raises(RequestError, match=message):
        genreclf.compare_metrics(made_table, metrics, **options)


def test_the_command_shows_the_comparison(made_table, tmp_path):
    made_table.write(tmp_path / "t.csv")
    command = ["retrieval", str(tmp_path / "t.csv"), "--metrics", "euclidean,mutual-proximity,lda", "--repeats", "1"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "precision at 10" in done.stdout
    assert "\nlda: " in done.stdout
    done = CliRunner().invoke(app, [*command, "--json"])
    assert [row["metric"] for row in json.loads(done.stdout)["scores"]] == ["euclidean", "mutual-proximity", "lda"]
