"""The benchmark: the frames of the contract, the same numbers with any number of workers, honest about bad tables."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from made_up import made_up_table
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold

from genreclf.errors import RequestError
from genreclf.evaluation import fitting
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.comparison import Comparison
from genreclf.models import MODELS, build
from genreclf.models.catboost import CatBoost
from genreclf.tables.table import FeatureTable

_QUICK = ("svc", "logreg", "most_frequent", "stratified")


@pytest.fixture(scope="module")
def table():
    return made_up_table(tracks=150, artist_spread=1.5)


@pytest.fixture(scope="module")
def comparison(table):
    return benchmark(table, models=_QUICK, draws=200)


def _with(table, **columns):
    return dataclasses.replace(table, frame=table.frame.assign(**columns))


def test_known_artists_are_kept_apart_first_and_split_at_random_beside_it(comparison):
    assert list(dict.fromkeys(comparison.scores["protocol"])) == ["cv-artist", "cv-random"]
    assert comparison.protocol == "cv-artist"
    assert comparison.run["protocols"] == ["cv-artist", "cv-random"]


def test_no_artist_is_tested_in_two_folds(table, comparison):
    safe = comparison.predictions[comparison.predictions["protocol"] == "cv-artist"]
    artists = safe.merge(table.frame[["track_id", "artist"]], on="track_id")
    assert artists.drop_duplicates(["artist", "fold"])["artist"].is_unique
    assert len(safe) == len(table)


def test_scores_follow_from_the_predictions(comparison):
    for row in comparison.scores.itertuples():
        drawn = pd.concat([comparison.predictions.assign(repeat=1), comparison.repeats])
        drawn = drawn[(drawn["protocol"] == row.protocol) & (drawn[row.model] != "")]
        scores = [f1_score(part["genre"], part[row.model], average="macro") for _, part in drawn.groupby("repeat")]
        assert row.repeats == len(scores)
        assert row.macro_f1 == pytest.approx(np.mean(scores))
        assert len(scores) == 1 or row.macro_f1_sd == pytest.approx(np.std(scores, ddof=1))
        assert row.macro_f1_low <= row.macro_f1 <= row.macro_f1_high


def test_random_predictions_are_plain_scikit_learns(table):
    comparison = benchmark(table, models=("svc",), protocol="cv-random", repeats=1)
    expected = np.empty(len(table), dtype=object)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=42).split(table.X, table.y):
        expected[test] = build("svc").fit(table.X[train], table.y[train]).predict(table.X[test])
    random = comparison.predictions.set_index("track_id")
    np.testing.assert_array_equal(random.loc[table.ids, "svc"], expected)


def test_random_folds_beside_artist_disjoint_ones_hold_as_many_tracks_of_each_genre(comparison):
    counts = comparison.predictions.pivot_table(index=["fold", "genre"], columns="protocol", aggfunc="size")
    assert (counts["cv-artist"] == counts["cv-random"]).all()


def test_models_that_may_be_the_best_are_repeated_and_others_are_not(table, comparison):
    repeats = comparison.ranking.set_index("model")["repeats"]
    assert repeats[comparison.best] == 5
    assert repeats["most_frequent"] == 1
    assert set(comparison.repeats["repeat"]) == {2, 3, 4, 5}
    twice = benchmark(table, models=("logreg",), repeats=2, protocol="cv-artist")
    assert twice.ranking["repeats"].tolist() == [2]
    assert not twice.repeats.duplicated(["repeat", "track_id"]).any()


def test_a_model_whose_repeats_cost_much_is_not_repeated_unless_requested(table, monkeypatch):
    monkeypatch.setattr("genreclf.evaluation.benchmark._CHEAP", 0.0)
    found = benchmark(table, models=("logreg", "svc"), protocol="cv-artist")
    assert found.ranking.set_index("model")["repeats"].to_dict() == {"svc": 1, "logreg": 5}
    assert any(note.startswith("svc: on one division of the folds only, to save time") for note in found.notes)
    every = benchmark(table, models=("logreg", "svc"), protocol="cv-artist", repeats=2)
    assert set(every.ranking["repeats"]) == {2}


def test_confusion_counts_every_track_once_a_model(table, comparison):
    totals = comparison.confusion.groupby(["protocol", "model"])["tracks"].sum()
    np.testing.assert_allclose(totals, len(table))


def test_baselines_are_shown_and_never_ranked_best(comparison):
    assert list(comparison.ranking["model"])[-2:] == ["most_frequent", "stratified"] or list(
        comparison.ranking["model"]
    )[-2:] == ["stratified", "most_frequent"]
    assert comparison.best in ("svc", "logreg")
    noise = made_up_table(spread=0.0, artist_spread=0.0)
    assert benchmark(noise, models=("stratified", "logreg"), draws=50).best == "logreg"


def test_every_other_model_is_tested_against_the_best(comparison):
    for protocol, tests in comparison.tests.groupby("protocol"):
        ranked = comparison.scores[comparison.scores["protocol"] == protocol]
        best = ranked["model"].iloc[0]
        assert set(tests["best"]) == {best}
        assert set(tests["test"]) == {"model confidence set", "corrected resampled t"}
        assert (tests["p_holm"] >= tests["p_value"]).all()
        assert np.isnan(ranked["p_value"].iloc[0])
        assert not ranked["tied_with_best"].iloc[0]
        others = ranked.iloc[1:]
        assert (others["tied_with_best"] == (others["p_value"] >= 0.05)).all()
        assert not others.set_index("model")["tied_with_best"]["most_frequent"]


def test_leak_is_the_difference_of_the_two_protocols_and_shows_where_artists_sound_alike(comparison):
    scores = comparison.scores.set_index(["protocol", "model"])["macro_f1"]
    for row in comparison.leak.itertuples():
        expected = scores["cv-random", row.model] - scores["cv-artist", row.model]
        assert row.leak == pytest.approx(expected)
        assert row.leak_low <= row.leak <= row.leak_high
    assert comparison.leak.set_index("model")["leak_low"]["svc"] > 0


def test_the_frames_have_the_columns_of_the_contract(table, comparison):
    assert {"model", "macro_f1_safe", "macro_f1_random", "leak", "leak_low", "leak_high"} <= set(comparison.leak)
    assert {"track_id", "genre", "artist", "map_x", "map_y"} <= set(comparison.tracks)
    assert list(comparison.predictions)[:4] == ["protocol", "fold", "track_id", "genre"]
    assert list(comparison.genre_scores) == [
        *("protocol", "model", "genre", "support", "precision", "recall", "f1", "f1_low", "f1_high")
    ]
    assert comparison.probabilities.empty
    run = comparison.run
    assert run["table"]["genres"] == {"genre0": 50, "genre1": 50, "genre2": 50}
    assert run["table"]["digest"] == table.digest
    assert run["seed"] == 42
    assert run["versions"]["scikit-learn"]


def test_two_workers_give_the_numbers_of_one(table, monkeypatch):
    monkeypatch.setattr(fitting, "_WORTH_WORKERS", 0.0)
    options = {"models": ("svc", "stratified"), "ablate": True, "draws": 50, "repeats": 2}
    one = benchmark(table, jobs=1, **options)
    two = benchmark(table, jobs=2, **options)
    for name in ("predictions", "repeats", "tests", "leak", "ablation", "importance", "tracks", "genre_scores"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    timed = ["fit_seconds", "predict_seconds"]
    pd.testing.assert_frame_equal(one.scores.drop(columns=timed), two.scores.drop(columns=timed))


def test_progress_names_the_model_and_the_fold(table):
    class Listener:
        def __init__(self):
            self.total, self.details = 0, []

        def begin(self, title, total):
            self.total += total

        def advance(self, detail=""):
            self.details.append(detail)

        def message(self, line):
            pass

        def end(self):
            pass

    listener = Listener()
    benchmark(table, models=("svc",), draws=10, progress=listener)
    assert listener.total == len(listener.details) == 50 + 2
    assert "svc, cv-artist fold 3" in listener.details
    assert "svc, cv-artist fold 3, repeat 2" in listener.details


@pytest.mark.parametrize(
    ("protocol", "group", "expected"),
    [
        ("study", True, ["study"]),
        ("holdout", True, ["holdout"]),
        ("cv", False, ["cv-random"]),
        ("cv-artist", True, ["cv-artist"]),
    ],
)
def test_protocols_by_name(table, protocol, group, expected):
    found = benchmark(table, models=("logreg", "svc"), protocol=protocol, group=group, repeats=1)
    assert list(dict.fromkeys(found.scores["protocol"])) == expected
    assert found.leak.empty
    assert ("study_macro_f1" in found.scores) == (protocol == "study")
    if protocol == "holdout":
        assert set(found.tests["test"]) == {"model confidence set"}
        assert any("by artists seen in training" in note for note in found.notes)


def test_the_tables_own_split_is_used_and_artists_on_both_sides_are_left_out(table):
    parts = np.array(["training", "validation", "test"])[np.arange(len(table)) // 3 % 3]
    artists = [f"{artist}-{part}" for artist, part in zip(table.frame["artist"], parts, strict=True)]
    apart = _with(table, split=parts, artist=artists)
    found = benchmark(apart, models=("logreg",), protocol="split", draws=20)
    assert set(found.predictions["track_id"]) == set(table.ids[parts == "test"])
    shared = [
        artist if artist.endswith("-0") else own for artist, own in zip(table.frame["artist"], artists, strict=True)
    ]
    mixed = _with(table, split=parts, artist=shared)
    noted = benchmark(mixed, models=("logreg",), protocol="split", draws=20)
    assert any("left out, as their artists are also tested" in note for note in noted.notes)
    assert noted.predictions["track_id"].equals(found.predictions["track_id"])


def test_cross_trains_on_one_table_and_tests_on_another(table):
    rows = np.arange(len(table))
    ours, theirs = table.take(rows % 2 == 0), table.take(rows % 2 == 1)
    frame = theirs.frame.assign(artist=[f"other {a}" for a in theirs.frame["artist"]])
    frame.loc[0, "genre"] = "polka"
    found = benchmark(ours, test_table=dataclasses.replace(theirs, frame=frame), models=("logreg",), repeats=1)
    assert found.protocol == "cross"
    assert set(found.predictions["track_id"]) == set(theirs.ids[1:])
    assert any("left out: polka" in note for note in found.notes)


def test_ablation_scores_families_alone_and_added(table):
    found = benchmark(table, models=("svc", "most_frequent"), ablate=True, repeats=1)
    assert list(zip(found.ablation["step"], found.ablation["families"], strict=True)) == [
        ("alone", "mfcc"),
        ("alone", "tonnetz"),
        ("added", "mfcc"),
        ("added", "mfcc+tonnetz"),
    ]
    scores = found.ablation.set_index(["step", "families"])["macro_f1"]
    assert scores["alone", "mfcc"] == scores["added", "mfcc"]
    assert scores["added", "mfcc+tonnetz"] == found.ranking["macro_f1"][0]
    steps = found.ablation.set_index(["step", "families"])
    assert steps["gain"]["added", "mfcc+tonnetz"] == pytest.approx(
        scores["added", "mfcc+tonnetz"] - scores["added", "mfcc"]
    )
    assert steps["gain"].isna().sum() == 3
    only = benchmark(table, models=("svc",), features=("mfcc",), repeats=1)
    assert only.ranking["macro_f1"][0] == scores["alone", "mfcc"]


def test_the_learning_curve_rises_and_ends_at_the_score_of_all_artists(table):
    found = benchmark(table, models=("logreg", "most_frequent"), learning_curve=True, repeats=1, protocol="cv-artist")
    curve = found.learning_curve
    assert set(curve["model"]) == {"logreg"}
    measured = curve[~curve["extrapolated"]]
    assert measured["artists"].is_monotonic_increasing
    assert measured["macro_f1"].iloc[-1] == pytest.approx(found.ranking["macro_f1"][0])
    assert measured["macro_f1"].iloc[0] < measured["macro_f1"].iloc[-1]
    (twice,) = curve[curve["extrapolated"]].itertuples()
    assert twice.artists == pytest.approx(2 * measured["artists"].iloc[-1])
    assert twice.gain_low <= twice.gain <= twice.gain_high


def test_shuffling_a_family_of_noise_costs_nothing_and_one_that_tells_costs_much(table):
    rng = np.random.default_rng(0)
    names = [name for name in table.features if name.startswith("tonnetz")]
    frame = table.frame.assign(**{name: rng.normal(size=len(table)) for name in names})
    found = benchmark(dataclasses.replace(table, frame=frame), models=("logreg",), ablate=True, draws=50)
    drops = found.importance.set_index("family")
    assert drops.loc["mfcc", "drop_low"] > 0.1
    assert drops.loc["tonnetz", "drop_low"] <= 0.0 <= drops.loc["tonnetz", "drop_high"]


def test_probabilities_are_calibrated_without_changing_what_a_model_says(table, comparison):
    found = benchmark(table, models=_QUICK, probabilities=True, draws=50, repeats=1)
    pd.testing.assert_frame_equal(found.predictions, comparison.predictions)
    shares = found.probabilities[list(table.genres)].to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
    assert set(found.probabilities["model"]) == set(_QUICK)
    scores = found.ranking.set_index("model")
    assert scores.loc["svc", "roc_auc"] > 0.8
    assert scores.loc["most_frequent", "roc_auc"] <= 0.6
    assert scores.loc["svc", "log_loss"] < np.log(3)


def test_tuning_happens_inside_the_training_part_and_is_written_down(table, monkeypatch):
    few = dataclasses.replace(MODELS["svc"], space={"kernel": ("linear", "rbf"), "C": (1, 3)})
    monkeypatch.setitem(MODELS._entries, "svc", few)
    found = benchmark(table, models=("svc", "logreg", "stratified"), tune=True, protocol="holdout", repeats=1)
    assert list(found.tuning["model"]) == ["svc", "logreg"]
    assert '"kernel"' in found.tuning["parameters"][0]
    assert found.tuning["inner_macro_f1"].between(0.3, 1.0).all()


def test_a_large_grid_is_halved(table, monkeypatch):
    entry = dataclasses.replace(MODELS["logreg"], space={"C": tuple(np.geomspace(1e-4, 1.0, 20))})
    monkeypatch.setitem(MODELS._entries, "logreg", entry)
    found = benchmark(table, models=("logreg",), tune=True, protocol="holdout", repeats=1)
    assert len(found.tuning) == 1


def test_unlabelled_tracks_and_lonely_genres_are_left_out_and_said(table):
    genres = list(table.frame["genre"])
    genres[0], genres[1], genres[2] = "", "", "polka"
    found = benchmark(_with(table, genre=genres), models=("logreg",), protocol="holdout", repeats=1)
    assert "tracks without a genre are left out: 2" in found.notes
    assert any(note.endswith("left out: polka") for note in found.notes)
    assert found.run["table"]["rows"] == len(table) - 3


def test_a_genre_with_two_tracks_is_named_with_the_folds_that_lack_it(table):
    genres = list(table.frame["genre"])
    genres[0] = genres[1] = "polka"
    found = benchmark(_with(table, genre=genres), models=("logreg",), protocol="cv-random", repeats=1)
    assert any("'polka'" in note and "test part of fold" in note for note in found.notes)


def test_where_artists_cannot_be_kept_apart_the_random_folds_remain_and_it_is_said(table):
    one_each = _with(table, artist=[f"band of {genre}" for genre in table.frame["genre"]])
    found = benchmark(one_each.take(one_each.y != "genre2"), models=("logreg",), repeats=1)
    assert found.run["protocols"] == ["cv-random"]
    assert any("cv-artist is left out" in note for note in found.notes)


def test_where_no_two_genres_have_two_artists_no_headline_rests_on_artist_disjoint_folds(table):
    one_each = _with(table, artist=[f"band of {genre}" for genre in table.frame["genre"]])
    found = benchmark(one_each, models=("logreg",), draws=20)
    assert found.run["protocols"] == ["cv-random"]
    assert any("fewer than two genres of made-up have two artists each" in note for note in found.notes)
    with pytest.raises(RequestError, match=r"have two artists each, .* choose protocol=cv-random"):
        benchmark(one_each, models=("logreg",), draws=20, protocol="cv-artist")


@pytest.mark.parametrize("protocol", ["cv", "cv-artist", "holdout-artist"])
def test_a_genre_of_one_artist_is_left_out_of_all_scores_and_named_once_and_first(table, protocol):
    genre = table.frame["genre"].mask(table.frame["artist"] == table.frame["artist"][0], "polka")
    lonely = _with(table, genre=genre)
    options = {"models": ("logreg", "svc"), "draws": 20, "protocol": protocol, "repeats": 2}
    found = benchmark(lonely, **options)
    named = [note for note in found.notes if "polka" in note]
    assert named == [found.notes[0]]
    assert f"are left out: polka ({(genre == 'polka').sum()} tracks)" in named[0]
    without = benchmark(lonely.take(genre.to_numpy() != "polka"), **options)
    timed = ["fit_seconds", "predict_seconds"]
    pd.testing.assert_frame_equal(found.scores.drop(columns=timed), without.scores.drop(columns=timed))
    for name in ("leak", "confusion", "genre_scores", "predictions", "tests"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(without, name))


def test_a_genre_on_one_side_of_the_tables_own_split_is_left_out(table):
    parts = np.where(np.arange(len(table)) % 2, "training", "test")
    genre = np.where((parts == "test") & (np.arange(len(table)) % 10 == 0), "polka", table.y)
    found = benchmark(
        _with(table, split=parts, genre=genre), models=("logreg",), protocol="split", group=False, draws=20
    )
    assert "polka" not in set(found.predictions["genre"])
    assert "(not on both sides of the split) are left out: polka (15 tracks)" in found.notes[0]
    apart = np.where(table.y == "genre0", parts, np.where(table.y == "genre1", "training", "test"))
    with pytest.raises(RequestError, match="split: 1 of 3 genres can be both trained on and tested"):
        benchmark(_with(table, split=apart), models=("logreg",), protocol="split", group=False, draws=20)


def test_with_random_folds_a_genre_of_one_artist_stays(table):
    genre = table.frame["genre"].mask(table.frame["artist"] == table.frame["artist"][0], "polka")
    found = benchmark(_with(table, genre=genre), models=("logreg",), draws=20, protocol="cv-random")
    assert "polka" in set(found.predictions["genre"])


def test_an_ablation_with_tuning_scores_every_step_with_the_same_parameters(table):
    options = {"models": ("logreg",), "ablate": True, "draws": 50, "protocol": "holdout"}
    plain, tuned = benchmark(table, **options), benchmark(table, tune=True, **options)
    assert '"C": 0.01' not in tuned.tuning["parameters"][0]
    pd.testing.assert_frame_equal(tuned.ablation, plain.ablation)
    (gain,) = tuned.tuning_gains.itertuples()
    assert (gain.macro_f1_default, gain.macro_f1_tuned) == (plain.scores["macro_f1"][0], tuned.scores["macro_f1"][0])
    assert gain.gain_low <= gain.gain == gain.macro_f1_tuned - gain.macro_f1_default <= gain.gain_high
    assert plain.tuning_gains.empty


def test_a_family_with_a_plus_in_its_name_is_not_taken_for_two_families(table):
    names = dict(zip(table.features, ("bass", "drum", "bass+drum", "horn", "harp", "oboe"), strict=True))
    renamed = FeatureTable(table.frame.rename(columns=names), tuple(names.values()))
    found = benchmark(renamed, models=("svc",), ablate=True, draws=50, protocol="holdout")
    scores = found.ablation[found.ablation["families"] == "bass+drum"].set_index("step")["macro_f1"]
    for step, families in (("alone", ("bass+drum",)), ("added", ("bass", "drum"))):
        only = benchmark(renamed, models=("svc",), features=families, draws=50, protocol="holdout")
        assert scores[step] == only.ranking["macro_f1"][0]


def test_a_family_that_is_all_the_same_scores_as_a_guess_in_an_ablation(table, monkeypatch):
    quick = dataclasses.replace(MODELS["catboost"], factory=lambda seed: CatBoost(iterations=5, random_state=seed))
    monkeypatch.setitem(MODELS._entries, "catboost", quick)
    flat = _with(table, **{name: 1.0 for name in table.features if name.startswith("tonnetz")})
    found = benchmark(flat, models=("catboost", "svc"), ablate=True, draws=50, protocol="holdout")
    alone = found.ablation[found.ablation["step"] == "alone"].set_index(["model", "families"])["macro_f1"]
    assert alone["catboost", "tonnetz"] < 0.2 < alone["catboost", "mfcc"]


def test_a_table_too_small_to_calibrate_says_so_for_each_protocol(table):
    found = benchmark(table.take(np.arange(6)), models=("svc",), folds=2, probabilities=True, repeats=1, group=False)
    assert "cv-random: svc: no probabilities, as a genre has too few tracks to calibrate them" in found.notes
    artists = [f"duo {k % 2}" if table.y[k] == "genre2" else name for k, name in enumerate(table.frame["artist"])]
    found = benchmark(_with(table, artist=artists), models=("svc",), probabilities=True, repeats=1)
    assert set(found.probabilities["protocol"]) == {"cv-random"}
    assert any(note.startswith("cv-artist: svc: no probabilities") for note in found.notes)


def test_ids_that_are_row_numbers_in_both_tables_tie_no_tracks_of_unknown_artist(table):
    artists = [artist if row % 75 % 2 else "" for row, artist in enumerate(table.frame["artist"])]
    numbered = _with(table, track_id=[str(row + 1) for row in range(len(table))], artist=artists)
    rows = np.arange(len(table))
    ours, theirs = numbered.take(rows < 75), numbered.take(rows >= 75)
    theirs = _with(theirs, track_id=list(ours.ids), artist=[a and f"other {a}" for a in theirs.frame["artist"]])
    found = benchmark(ours, test_table=theirs, models=("logreg",), repeats=1)
    assert not any("left out" in note for note in found.notes)
    assert list(found.predictions["track_id"]) == list(theirs.ids)


def test_random_folds_alone_say_how_many_tracks_leak(table):
    for options in ({"protocol": "cv-random"}, {"group": False}):
        found = benchmark(table, models=("logreg",), repeats=1, **options)
        assert any("150 of 150 test tracks are by artists seen in training" in note for note in found.notes)
    both = benchmark(table, models=("logreg",), repeats=1)
    assert not any("by artists seen in training" in note for note in both.notes)


def test_intervals_over_few_artists_are_flagged_and_one_artist_gives_intervals_over_tracks(table):
    few = _with(table, artist=[f"artist {row % 10}" for row in range(len(table))])
    found = benchmark(few, models=("logreg",), repeats=1)
    assert any(note.startswith("cv-artist: 10 artists are tested; intervals") for note in found.notes)
    alone = benchmark(_with(table, artist="me"), models=("logreg",), repeats=1)
    assert any("all test tracks are by one artist" in note for note in alone.notes)
    nobody = benchmark(_with(table, artist=""), models=("logreg",), repeats=1)
    timed = ["fit_seconds", "predict_seconds"]
    pd.testing.assert_frame_equal(alone.scores.drop(columns=timed), nobody.scores.drop(columns=timed))
    assert not any("intervals" in note for note in nobody.notes)


def test_too_few_draws_for_any_difference_are_flagged(table):
    names = ("svc", "most_frequent", "stratified")
    short = benchmark(table, models=names, draws=19, protocol="holdout")
    assert "with 19 draws no difference can be significant; 20 or more are needed" in short.notes
    assert short.ranking["tied_with_best"].tolist() == [False, True, True]
    rough = benchmark(table, models=names, draws=100, protocol="holdout")
    assert any("p-values of 100 draws are rough" in note for note in rough.notes)
    assert not rough.ranking["tied_with_best"].any()


def test_genres_whose_tracks_are_all_alike_are_scored(table):
    frame = table.frame.assign(**{name: table.y == f"genre{k % 3}" for k, name in enumerate(table.features)})
    alike = dataclasses.replace(table, frame=frame.astype(dict.fromkeys(table.features, float)))
    found = benchmark(alike, models=("logreg",), repeats=1)
    assert found.ranking["macro_f1"][0] == 1.0
    assert len(found.retrieval)


def test_a_report_in_the_place_of_another_keeps_none_of_its_tables(table, tmp_path):
    benchmark(table, models=("logreg",), ablate=True, repeats=1, probabilities=True).write(tmp_path)
    benchmark(table, models=("logreg",), repeats=1, protocol="holdout").write(tmp_path)
    again = Comparison.read(tmp_path)
    assert again.leak.empty
    assert again.ablation.empty
    assert again.probabilities.empty


def test_probabilities_of_genres_called_like_columns_are_read_back_as_numbers(table, tmp_path):
    names = dict(zip(table.genres, ("genre", "title", "path"), strict=True))
    renamed = _with(table, genre=[names[genre] for genre in table.y])
    found = benchmark(renamed, models=("logreg",), repeats=1, probabilities=True, protocol="holdout")
    found.write(tmp_path)
    shares = Comparison.read(tmp_path).probabilities
    np.testing.assert_array_equal(shares[list(names.values())], found.probabilities[list(names.values())])


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        ({"genre": "rock"}, {}, "at least two genres"),
        ({"genre": ""}, {}, "column 'genre': no track has a genre"),
        (
            {},
            {"protocol": "holdout", "folds": 7},
            "folds=7 goes with protocol cv or .*, not with 'holdout'",
        ),
        ({}, {"test_size": 0.5}, "test_size=0.5 goes with protocol holdout or holdout-artist, not with 'cv'"),
        ({}, {"models": ("svm",)}, "unknown model 'svm'"),
        ({}, {"models": ()}, "no model to compare"),
        ({}, {"protocol": "loo"}, "unknown protocol 'loo'; choose from study, holdout, holdout-artist, cv"),
        ({}, {"protocol": "cross"}, "give it as test_table=TABLE"),
        ({}, {"protocol": "split"}, "no column 'split'"),
        ({"artist": ""}, {"protocol": "cv-artist"}, "names no artists"),
        ({"split": "all"}, {"protocol": "split"}, "it holds 'all'"),
        ({}, {"folds": 1}, "folds=1: choose at least 2"),
        ({}, {"folds": 100, "group": False}, "no genre has more than 50 tracks"),
        ({}, {"protocol": "holdout", "test_size": 2.0}, "test_size=2.0: choose a share"),
        ({}, {"jobs": 0}, "0 workers"),
        ({}, {"draws": 0}, "draws=0: a p-value needs"),
        ({}, {"repeats": 0}, "repeats=0: choose at least 1"),
        ({}, {"seed": -1}, "a seed of -1 makes no sense"),
        ({}, {"seed": 2**32}, "a seed of 4294967296 makes no sense"),
        ({"tonnetz_mean_02": np.r_[1e300, np.zeros(149)]}, {}, "column 'tonnetz_mean_02' holds values up to 1e.300"),
        ({"tonnetz_mean_01": 1, "tonnetz_mean_02": 1, "tonnetz_mean_03": 1}, {"features": ("tonnetz",)}, "the same"),
        (
            {"split": ["training", "test"] * 75, "artist": "me"},
            {"protocol": "split"},
            "75 training tracks are left out",
        ),
        ({}, {"features": ()}, "no feature is chosen"),
        ({}, {"features": ("loudness",)}, "no feature family 'loudness'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(table, change, options, line):
    with pytest.raises(RequestError, match=line) as refusal:
        benchmark(_with(table, **change), **({"models": ("logreg",), "repeats": 1} | options))
    assert "\n" not in str(refusal.value)


def test_features_that_are_all_the_same_are_refused(table):
    flat = table.frame.assign(**dict.fromkeys(table.features, 1.0))
    with pytest.raises(RequestError, match="every feature is the same"):
        benchmark(dataclasses.replace(table, frame=flat), models=("logreg",))


def test_a_table_of_one_feature_and_two_genres_has_a_map_and_scores():
    whole = made_up_table(tracks=40, genres=2, features=2)
    frame = whole.frame.drop(columns=list(whole.features[1:]))
    found = benchmark(FeatureTable(frame, whole.features[:1]), models=("svc",), repeats=1)
    assert np.isfinite(found.tracks[["map_x", "map_y"]].to_numpy()).all()
    assert len(found.scores) == 2


@pytest.mark.realdata
def test_the_real_tracks_give_the_figures_of_plain_scikit_learn(shared_data):
    """Five artist-disjoint folds, seed 42: what plain scikit-learn gave on plain librosa values."""
    labels = pd.read_csv(shared_data / "emotify200" / "tracks.csv", dtype=str)
    values = pd.read_csv(shared_data / "emotify200_librosa.csv", dtype={"path": str})
    features = tuple(name for name in values.columns if name != "path")
    both = labels.assign(track_id=labels["path"]).merge(values, on="path")
    real = FeatureTable(both[["track_id", "genre", "artist", "title", *features]], features)
    found = benchmark(real, models=("svc", "logreg"), repeats=1)
    scores = found.scores.set_index(["protocol", "model"])["macro_f1"]
    assert scores["cv-artist", "svc"] == pytest.approx(0.6713, abs=5e-5)
    assert scores["cv-artist", "logreg"] == pytest.approx(0.6166, abs=5e-5)
    assert scores["cv-random", "svc"] == pytest.approx(0.7295, abs=0.02)


def test_a_model_that_takes_too_much_memory_is_left_out_unless_it_is_named(table, monkeypatch):
    greedy = dataclasses.replace(MODELS["svc"], most_tracks=len(table) - 1)
    monkeypatch.setattr(MODELS, "_entries", {"svc": greedy, "logreg": MODELS["logreg"]})
    left = benchmark(table, protocol="study", draws=50)
    assert left.run["models"] == ["logreg"]
    assert any("svc is left out: more than 149 tracks" in note for note in left.notes)
    named = benchmark(table, models=("svc", "logreg"), protocol="study", draws=50)
    assert named.run["models"] == ["svc", "logreg"]
