"""The benchmark of taggers, its report, and a tagger that is trained, kept and asked."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from made_tags import made_up_tags

import genreclf
from genreclf.errors import RequestError
from genreclf.evaluation.multilabel.benchmark import benchmark_tags
from genreclf.loading import load
from genreclf.reports.tags_page import write_tag_report
from genreclf.tables.table import FeatureTable
from genreclf.tag_training import train_tags
from genreclf.tasks import TASKS, find_task


@pytest.fixture(scope="module")
def table():
    return made_up_tags()


@pytest.fixture(scope="module")
def comparison(table):
    return benchmark_tags(table, models=["logreg", "chain"], jobs=1, folds=3, probabilities=True)


def test_models_find_the_tags_and_references_stand_beside(comparison):
    scores = comparison.scores.set_index("model")
    assert set(scores.index) == {"logreg", "chain", "neighbours", "genre", "prior"}
    assert scores.loc["logreg", "macro_roc_auc"] > 0.9
    assert scores.loc["logreg", "macro_roc_auc"] > scores.loc["genre", "macro_roc_auc"] + 0.1
    assert scores.loc["prior", "macro_roc_auc"] == 0.5
    assert (scores["macro_roc_auc_low"] <= scores["macro_roc_auc"]).all()
    assert comparison.best in ("logreg", "chain")
    assert set(comparison.tests["model"]) == set(scores.index) - {comparison.best}
    assert comparison.tests.set_index("model").loc["prior", "p_holm"] < 0.01


def test_tables_agree_with_each_other(comparison, table):
    assert sorted(comparison.predictions["track_id"]) == sorted(table.ids)
    support = comparison.tag_scores.set_index(["model", "tag"])["support"]
    assert support["logreg"].tolist() == table.tags.matrix.sum(axis=0).tolist()
    assert len(comparison.probabilities) == 5 * len(table)
    pairs = comparison.cooccurrence.set_index(["tag", "other"])["tracks"]
    assert pairs["tag0", "tag1"] == (table.tags.matrix[:, 0] & table.tags.matrix[:, 1]).sum()
    assert comparison.errors["log_loss"].is_monotonic_decreasing


def test_the_same_request_gives_the_same_numbers(comparison, table):
    again = benchmark_tags(table, models=["logreg"], jobs=1, folds=3)
    one, other = (c.scores.set_index("model").loc["logreg", "macro_roc_auc"] for c in (comparison, again))
    assert one == other


def test_the_report_holds_every_tag_and_no_script_from_elsewhere(comparison, tmp_path):
    write_tag_report(comparison, tmp_path / "rep")
    page = (tmp_path / "rep" / "report.html").read_text(encoding="utf-8")
    for word in ("tag3", "Macro ROC AUC", "Most wrongly tagged tracks", "Nearest neighbours", "Genre alone"):
        assert word in page
    assert json.loads((tmp_path / "rep" / "run.json").read_text())["task"] == "multi-label"
    with pytest.raises(RequestError, match="only runs that predict genres"):
        genreclf.Comparison.read(tmp_path / "rep")


def test_rare_tags_are_named_and_a_table_without_tags_is_refused(table):
    with pytest.raises(RequestError, match=r"fewer than two tags are left.*tag0"):
        benchmark_tags(table, models="logreg", min_tracks=1000)
    bare = table.with_frame(table.frame.drop(columns="tags"), table.features)
    with pytest.raises(RequestError, match="no tags; a table has them in a column 'tags'"):
        benchmark_tags(bare, models="logreg")
    with pytest.raises(RequestError, match=r"precision=2"):
        benchmark_tags(table, models="logreg", precision=2.0)


def test_a_higher_precision_is_kept_by_the_thresholds(table):
    best = benchmark_tags(table, models="logreg", jobs=1, folds=3).tag_scores
    precise = benchmark_tags(table, models="logreg", jobs=1, folds=3, precision=0.95).tag_scores
    of = [frame[frame["model"] == "logreg"] for frame in (best, precise)]
    assert of[1]["precision"].mean() > of[0]["precision"].mean() > 0.5
    assert of[1]["recall"].mean() < of[0]["recall"].mean()


@pytest.mark.parametrize(
    "model", ["svc", "rf", "logreg", "catboost", "chain", "neighbours", "prior", "histgb", "kernels", "gb"]
)
def test_every_tagger_is_kept_and_predicts_as_before(model, tmp_path):
    table = made_up_tags(tracks=60, tags=2)
    bundle = train_tags(table, model=_small(model), min_tracks=5)
    bundle.save(tmp_path / "m.genreclf")
    predictor = load(tmp_path / "m.genreclf")
    np.testing.assert_allclose(
        predictor.bundle.estimator.predict_proba(table.X), bundle.estimator.predict_proba(table.X), atol=1e-9
    )
    frame = predictor.predict_table(table)
    assert list(frame.columns) == ["track_id", "tags", "tag0", "tag1"]
    found = np.array([["tag0" in text, "tag1" in text] for text in frame["tags"]])
    assert (found == (frame[["tag0", "tag1"]].to_numpy() >= predictor.thresholds)).all()


@pytest.mark.parametrize(
    ("model", "attribute", "value", "complaint"),
    [
        ("rf", "left_", np.zeros_like, "child"),
        ("rf", "feature_", lambda part: part + 99, "feature that is not there"),
        ("rf", "roots_", lambda part: part + 10**6, "root"),
        ("catboost", "trees_", lambda trees: trees | {"features": trees["features"] + 99}, "not there"),
        ("svc", "coef_", lambda part: part[:, :-1], "coef_"),
        ("chain", "order_", lambda part: part * 0, "leaves out a tag"),
        ("logreg", "varying_", lambda part: part + 5, "tag that is not there"),
        ("neighbours", "tags_", lambda part: part.astype(float), "tags_"),
        ("histgb", "estimators_", lambda part: part[:1], "other tags"),
    ],
)
def test_a_forged_tagger_is_refused_before_it_predicts(model, attribute, value, complaint, tmp_path):
    bundle = train_tags(made_up_tags(tracks=60, tags=2), model=_small(model), min_tracks=5)
    tagger = bundle.estimator.estimator.named_steps["model"]
    setattr(tagger, attribute, value(getattr(tagger, attribute)))
    with pytest.raises(RequestError, match=complaint):
        bundle.save(tmp_path / "m.genreclf")


def _small(name):
    """The model, with few trees where it has many."""
    from dataclasses import replace
    from functools import partial

    from genreclf.models.taggers import BoostedTagger, ForestTagger, resolve_tagger

    entry = resolve_tagger(name)
    kinds = {"rf": partial(ForestTagger, n_estimators=5), "catboost": partial(BoostedTagger, iterations=5)}
    if name in kinds:
        return replace(entry, factory=lambda seed: kinds[name](random_state=seed))
    if name in ("gb", "histgb"):
        light = (
            genreclf.models.spec(name)
            .factory(0)
            .set_params(**({"n_estimators": 3} if name == "gb" else {"max_iter": 3}))
        )
        return resolve_tagger(light)
    return entry


def test_the_command_line_goes_the_whole_way(table, tmp_path, monkeypatch, command_line):
    table.write(tmp_path / "t.csv")
    monkeypatch.chdir(tmp_path)
    code, out, _ = command_line(
        "benchmark", "t.csv", "--labels", "tags", "--models", "logreg", "--jobs", "1", "-o", "rep"
    )
    assert code == 0
    assert "ROC AUC" in out
    assert command_line("train", "t.csv", "--labels", "tags", "--model", "logreg", "-o", "m.genreclf")[0] == 0
    _, out, _ = command_line("info", "m.genreclf")
    assert "for 4 tags of music" in out
    code, _, err = command_line("benchmark", "t.csv", "--labels", "tags", "--tune")
    assert code == 2
    assert err.strip().endswith("--tune is not for --labels tags; leave it out")
    code, _, err = command_line("benchmark", "t.csv", "--labels", "mood")
    assert (code, "choose from genre, tags" in err) == (2, True)
    code, _, err = command_line("benchmark", "t.csv", "--min-tracks", "3")
    assert (code, "--min-tracks 3 is not for --labels genre" in err) == (2, True)


def test_tracks_that_share_tags_are_nearer_in_profiles_than_in_features(comparison, table, tmp_path):
    found = comparison.retrieval.set_index("method")
    assert found.loc["tag profiles", "shared_at_10"] > found.loc["plain", "shared_at_10"] > found.loc["plain", "chance"]
    assert (found["ndcg_at_10"] <= 1).all()
    index = genreclf.build_index(table, metric="tags")
    index.save(tmp_path / "i.idx")
    assert len(genreclf.Index.load(tmp_path / "i.idx").query(str(table.ids[0]), 3)) == 3
    with pytest.raises(RequestError, match="the metric tags needs a column of tags"):
        genreclf.build_index(table.with_frame(table.frame.drop(columns="tags"), table.features), metric="tags")


def test_files_get_tags_as_lines_tables_and_playlists(music, tmp_path):
    from genreclf.batch import Batch
    from genreclf.prediction_table import write_predictions

    files = sorted(music.rglob("*.*"))
    identity = pd.DataFrame(
        {"track_id": map(str, files), "genre": "", "tags": [f"{f.parent.name}|note" for f in files]}
    )
    identity.loc[0, "tags"] = "high"
    features = pd.DataFrame([genreclf.extract_features(file, feature_set="study") for file in files])
    meta = {"feature_set": "study", "parameters": {"duration": 30.0, "offset": None, "sample_rate": 22050}}
    table = FeatureTable(pd.concat([identity, features], axis=1), tuple(features.columns), meta=meta)
    train_tags(table, model="logreg", min_tracks=1).save(tmp_path / "m.genreclf")
    predictor = load(tmp_path / "m.genreclf")
    paths = [music / "low" / "0.flac", music / "nowhere.wav"]
    batch = Batch(predictor, paths, output=tmp_path / "p.jsonl", playlists=tmp_path / "lists", jobs=1)
    (found, _), (lost, _) = list(batch)
    assert batch.failed == 1
    write_predictions(tmp_path / "p.csv", [found, lost], predictor.genres)
    assert pd.read_csv(tmp_path / "p.csv")["genre"].fillna("").tolist() == [found.genre, ""]
    assert found.labels[0] in ("low", "note")
    assert lost.labels == ()
    assert lost.error.code == "missing"
    plain = json.loads((tmp_path / "p.jsonl").read_text().splitlines()[0])
    assert plain["tags"] == list(found.labels)
    assert set(plain["thresholds"]) == {"high", "low", "note"}
    assert found.genre == "; ".join(found.labels)
    assert {path.stem for path in (tmp_path / "lists").iterdir()} >= set(found.labels)
    with pytest.raises(RequestError, match="thresholds of their own"):
        load(tmp_path / "m.genreclf", min_confidence=0.5)


def test_half_of_the_made_up_clips_have_each_instrument_and_play_no_other():
    from genreclf.datasets.synthetic import INSTRUMENTS, tagged_collection

    clips = tagged_collection(artists=60)
    assert len({clip.name for clip in clips}) == 240
    for name, parts in INSTRUMENTS.items():
        assert 0.35 < np.mean([name in clip.tags for clip in clips]) < 0.65
        for clip in clips:
            assert all((getattr(clip.manner, part) > 0) == (name in clip.tags) for part in parts)


def test_tasks_are_one_registry():
    assert [find_task(task.labels).name for task in TASKS.values()] == ["single-label", "multi-label"]
    assert FeatureTable is genreclf.FeatureTable
