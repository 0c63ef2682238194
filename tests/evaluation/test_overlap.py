"""What networks were trained on: overlap is refused, or stands on the report, and what is unknown is said to be."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up_table

from genreclf.errors import RequestError
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.multilabel.benchmark import benchmark_tags
from genreclf.evaluation.overlap import check_overlap, corpora_of
from genreclf.export.methods import methods
from genreclf.features import find_feature_set
from genreclf.networks import NETWORKS
from genreclf.networks.ledger import CORPORA, named_corpora, overlap
from genreclf.reports import write_report
from genreclf.series import series_of_arrays


def embedded(family: str, *, name: str = "mine", **meta):
    """A made-up table whose first two columns are of a network."""
    table = made_up_table()
    names = {column: f"{family}_mean_{k + 1:02d}" for k, column in enumerate(table.features[:2])}
    features = tuple(names.get(column, column) for column in table.features)
    table = table.with_frame(table.frame.rename(columns=names), features)
    return replace(table, name=name, meta={**table.meta, **meta})


@pytest.mark.parametrize(
    ("network", "corpora", "status"),
    [
        ("musicnn:mtt", ["magnatagatune"], "overlap"),
        ("musicnn:mtt", ["emotify"], "overlap"),
        ("musicnn:mtt", ["gtzan", "magnatune"], "overlap"),
        ("musicnn:mtt", ["fma"], "unknown"),
        ("musicnn:msd", ["emotify"], "unknown"),
        ("musicnn:msd", [], "unknown"),
        ("musicnn:msd", ["own"], "none"),
        ("musicnn:msd", ["own", "fma"], "unknown"),
        ("vggish:audioset", ["audioset"], "overlap"),
    ],
)
def test_corpora_overlap_where_they_share_their_music(network, corpora, status):
    found = overlap(NETWORKS[network], corpora)
    assert found.status == status
    assert network in found.reason


def test_every_known_network_says_what_it_was_trained_on_from_whom_and_under_which_licence():
    for card in NETWORKS.values():
        assert set(card.trained_on) <= set(CORPORA)
        assert all((card.training, card.licence, card.source))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("emotify200", ["emotify"]),
        ("GTZAN-all", ["gtzan"]),
        ("fma_small", ["fma"]),
        ("jamendo", ["mtg-jamendo"]),
        ("my music", []),
        ("gtzanish", []),
        ("own", []),
    ],
)
def test_names_of_files_tell_what_they_hold(text, found):
    assert named_corpora([text]) == found


def test_a_network_is_not_tested_on_what_it_was_trained_on_unless_that_is_wanted(tmp_path):
    table = embedded("musicnn-mtt", name="emotify200")
    with pytest.raises(RequestError, match=r"MagnaTagATune, whose music is from Magnatune, as that of Emotify"):
        benchmark(table, models="logreg", protocol="holdout", draws=50)
    done = benchmark(table, models="logreg", protocol="holdout", draws=50, allow_overlap=True)
    assert done.run["networks"]["musicnn:mtt"]["overlap"] == "overlap"
    assert "The network musicnn:mtt was trained on MagnaTagATune" in methods(done)
    assert "[@pons2019musicnn]" in methods(done)
    write_report(done, tmp_path / "report")
    for page in ("report.html", "report.md"):
        assert "scores of its features are too high" in (tmp_path / "report" / page).read_text()
    assert json.loads((tmp_path / "report" / "run.json").read_text())["networks"].keys() == {"musicnn:mtt"}


def test_features_that_are_left_out_are_not_held_against_anyone():
    table = embedded("musicnn-mtt", name="emotify200")
    others = [family for family in table.families if family != "musicnn-mtt"]
    done = benchmark(table, models="logreg", protocol="holdout", draws=50, features=others)
    assert not done.run["networks"]


def test_what_is_unknown_is_said_to_be(tmp_path):
    notes = benchmark(embedded("musicnn"), models="logreg", protocol="holdout", draws=50).notes
    assert any("whether these tracks (unknown music) were among them is unknown" in note for note in notes)
    table = embedded("gone", weights={"gone": "0" * 64})
    assert check_overlap([table])[1] == ["what gone was trained on is unknown here"]


def test_a_corpus_can_be_stated_and_goes_before_what_names_tell():
    table = embedded("musicnn-mtt", name="emotify200")
    assert check_overlap([table], corpus="own")[0]["musicnn:mtt"]["overlap"] == "none"
    with pytest.raises(RequestError, match=r"unknown corpus 'emotiy'.*did you mean 'emotify'"):
        check_overlap([table], corpus="emotiy")
    noted = replace(embedded("musicnn-mtt"), meta={"corpora": ["magnatune"]})
    assert corpora_of(noted) == ["magnatune"]
    with pytest.raises(RequestError, match="Magnatune's catalogue"):
        check_overlap([made_up_table(), noted])


def test_tags_are_held_to_the_same():
    table = embedded("musicnn-mtt", name="emotify")
    names = np.where(np.arange(len(table)) % 2, "a|b", "a")
    names[::3] = "c"
    table = table.with_frame(table.frame.assign(tags=names), table.features)
    with pytest.raises(RequestError, match="trained on MagnaTagATune"):
        benchmark_tags(table, models="prior")


def test_a_feature_family_names_its_network():
    assert [family.network for family in find_feature_set("tempo+musicnn").parts] == ["", "musicnn:msd"]


def test_series_of_a_network_count_as_its_features() -> None:
    table = replace(made_up_table(), name="emotify")
    arrays = [np.zeros((3, 50)) for _ in range(len(table))]
    made = series_of_arrays("musicnn-mtt-tags", arrays, frame_rate=1 / 3, track_ids=list(table.ids))
    with pytest.raises(RequestError, match="musicnn:mtt was trained on"):
        benchmark(table, models="pooled", series=made)
    networks, notes = check_overlap([table], series=made.kind, allow_overlap=True)
    assert networks["musicnn:mtt"]["overlap"] == "overlap"
    assert notes[0].endswith("are too high")
    assert check_overlap([table], series="mel") == ({}, [])
