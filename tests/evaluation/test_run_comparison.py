from dataclasses import replace

import pytest
from made_comparisons import HOSTILE, MODELS, made_up_comparison
from pages import Page

from genreclf.errors import RequestError
from genreclf.evaluation.run_comparison import compare_runs, read_runs
from genreclf.reports.run_comparison_page import run_findings, write_run_comparison


def better(comparison, model: str, share: float):
    """The same run with a share of one model's mistakes put right, in every protocol."""
    predictions = comparison.predictions.copy()
    wrong = predictions.index[predictions[model] != predictions["genre"]]
    mended = wrong[: int(len(wrong) * share)]
    predictions.loc[mended, model] = predictions.loc[mended, "genre"]
    return replace(comparison, predictions=predictions)


def verdicts(comparison, run: str) -> dict[str, str]:
    return {score.model: score.verdict for score in comparison.scores if score.run == run}


def test_a_run_is_not_different_from_itself():
    run = made_up_comparison(models=MODELS[:2])
    comparison = compare_runs({"a": run, "b": run})
    assert verdicts(comparison, "b") == {"svc": "same", "catboost": "same"}
    assert all(s.difference == 0 and s.p_value == 1 for s in comparison.scores if s.run == "b")
    assert comparison.changes == ()


def test_a_real_gain_is_told_from_none():
    run = made_up_comparison(models=MODELS[:2])
    comparison = compare_runs({"a": run, "b": better(run, "svc", 0.6)})
    assert verdicts(comparison, "b") == {"svc": "better", "catboost": "same"}
    assert verdicts(compare_runs({"b": better(run, "svc", 0.6), "a": run}), "a")["svc"] == "worse"
    first = run_findings(comparison)[0]
    assert first.text.startswith("Compared with a, in b SVC is ")
    assert first.text.endswith("points better. The other differences are not significant.") or (
        ") points better." in first.text
    )


def test_only_tracks_that_both_runs_tested_with_the_same_genre_count():
    run = made_up_comparison(models=MODELS[:1])
    keep = run.predictions["track_id"] < "t00100"
    other = run.predictions[keep].copy()
    other.loc[other["track_id"] == "t00003", "genre"] = "something else"
    comparison = compare_runs({"a": run, "b": replace(run, predictions=other)})
    assert {s.shared for s in comparison.scores if s.run == "b"} == {99}
    assert any("differences are over the 99 that they share" in note for note in comparison.notes)
    assert any("genres in a and b differ: 1." in note for note in comparison.notes)


def test_runs_without_a_common_track_are_not_tested():
    run = made_up_comparison(models=MODELS[:1])
    other = replace(run, predictions=run.predictions.assign(track_id="x" + run.predictions["track_id"]))
    comparison = compare_runs({"a": run, "b": other})
    assert verdicts(comparison, "b") == {"svc": ""}
    assert any("share no track id" in note for note in comparison.notes)


def test_what_changed_is_found_inside_what_runs_wrote_down():
    run = made_up_comparison(models=MODELS[:1])
    changed = dict(run.run) | {
        "parameters": {"features": ["mfcc"]},
        "seed": 7,
        "versions": {"genreclf": "0.2.0", "scikit-learn": "1.9.0"},
    }
    comparison = compare_runs({"a": run, "b": replace(run, run=changed)})
    assert {change.what: change.values for change in comparison.changes} == {
        "option features": ("not set", "mfcc"),
        "seed": ("42", "7"),
        "version of genreclf": ("0.1.0", "0.2.0"),
    }


def test_runs_are_read_by_the_shortest_names_that_tell_them_apart(tmp_path):
    for folder in ("x/one", "y/one"):
        made_up_comparison(models=MODELS[:1]).write(tmp_path / folder)
    assert list(read_runs([tmp_path / "x/one", tmp_path / "y/one"])) == ["x/one", "y/one"]
    with pytest.raises(RequestError, match="two or more"):
        read_runs([tmp_path / "x/one"])
    with pytest.raises(RequestError, match="given twice"):
        read_runs([tmp_path / "x/one", tmp_path / "x" / "one"])


def test_the_page_is_well_formed_whatever_the_names(tmp_path):
    run = made_up_comparison(models=MODELS[:3], genres=HOSTILE)
    write_run_comparison(compare_runs({HOSTILE[0]: run, HOSTILE[2]: better(run, "svc", 0.5)}), tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert HOSTILE[0] in "".join(page.text)
    assert "<script" not in (tmp_path / "page.md").read_text(encoding="utf-8")
    assert (tmp_path / "pictures" / "versus.svg").is_file()


def test_genres_with_names_like_numbers_or_nothing_are_read_back_as_they_are(tmp_path):
    run = made_up_comparison(models=MODELS[:2], genres=("01", "1", "NA", "nan"))
    run.write(tmp_path / "a")
    run.write(tmp_path / "b")
    back = read_runs([tmp_path / "a", tmp_path / "b"])["a"]
    for column in ("genre", "svc"):
        assert back.predictions[column].tolist() == run.predictions[column].tolist()
    assert back.genre_scores["genre"].tolist() == run.genre_scores["genre"].tolist()
    comparison = compare_runs({"written": run, "read": back})
    assert all(score.difference == 0 for score in comparison.scores if score.run == "read")
