"""Published results: each has a source, is shown beside one's own under its protocol only, and else says why not."""

from dataclasses import replace

import pandas as pd
import pytest
from made_comparisons import known_comparison

from genreclf.datasets import DATASETS
from genreclf.datasets.gtzan import GENRES
from genreclf.datasets.published import published, published_on
from genreclf.errors import RequestError
from genreclf.pages.markdown import markdown
from genreclf.references import references
from genreclf.reports.comparison_page import comparison_page


def test_every_result_is_a_score_on_a_known_data_set_with_a_source():
    for result in published():
        assert result.dataset in DATASETS
        assert result.reference in references()
        assert result.score in ("accuracy", "macro ROC AUC", "macro average precision")
        assert 0 < result.value < 1
        assert result.where
        assert result.tested is None or not result.difference(result.protocol, result.tested)
        assert result.text() in DATASETS[result.dataset].text()
    assert all(published_on(name) for name in DATASETS)


def test_a_data_set_is_recognised_by_all_its_genres():
    run = {"table": {"genres": dict.fromkeys(GENRES[1:], 93)}}
    from genreclf.reports.sections.published import published_results

    assert published_results(replace(known_comparison(), run=run)) is None


def on_gtzan(*, protocol, tested, **parameters):
    known = known_comparison()
    first = known.predictions[known.predictions["protocol"] == known.protocol]
    predictions = pd.concat([first] * (tested // len(first) + 1), ignore_index=True).iloc[:tested]
    predictions = predictions.assign(protocol=protocol, track_id=[f"t{n}" for n in range(tested)])
    scores = known.ranking.assign(protocol=protocol)
    run = dict(known.run) | {"table": {"genres": dict.fromkeys(GENRES, 93)}, "parameters": parameters}
    return replace(known, scores=scores, predictions=predictions, run=run)


def test_results_stand_beside_ones_own_only_where_the_protocol_is_the_same():
    from genreclf.reports.sections.published import published_results

    beside, apart = published_results(on_gtzan(protocol="split", tested=290)).tables
    shown = [row[0].text for row in beside.rows]
    assert {"SVC", "SampleCNN", "Linear SVM, C = 1"} <= set(shown)
    assert [row[0].text for row in apart.rows] == ["Gaussian mixtures"]
    assert apart.rows[0][2].text == "random folds of all tracks, 1,000 tracks tested; here split, 290 tracks tested"
    values = [row[1].sort_key for row in beside.rows]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    "other",
    [{"protocol": "cv-artist", "tested": 290}, {"protocol": "split", "tested": 280},
     {"protocol": "split", "tested": 290, "train_on_validation": True}],
)  # fmt: skip
def test_what_differs_is_said(other):
    from genreclf.reports.sections.published import published_results

    (apart,) = published_results(on_gtzan(**other)).tables
    assert len(apart.rows) == len(published_on("gtzan"))
    assert all("here" in row[2].text for row in apart.rows)


def test_reports_on_other_music_have_no_such_section():
    assert "Published results" not in markdown(comparison_page(known_comparison()))


def test_data_sets_have_bibtex_and_say_how_to_cite_them_where_they_have_none():
    for dataset in DATASETS.values():
        assert dataset.bibtex().startswith("@")
    with pytest.raises(RequestError, match="cite it as: "):
        replace(DATASETS["fma"], references=()).bibtex()
