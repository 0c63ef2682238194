"""Protocols: one registry, to which others can add, and from which texts and choices follow."""

from __future__ import annotations

import numpy as np
import pytest

from genreclf.errors import RequestError
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.comparison import Comparison
from genreclf.evaluation.folds import one_fold
from genreclf.evaluation.protocols import CV, PROTOCOLS, Protocol, choices, register, title
from genreclf.reports import write_report


def _third(table, groups, settings):
    """Every third track is tested, whoever plays it."""
    del groups, settings
    tested = np.arange(len(table)) % 3 == 0
    return one_fold(table.y, np.flatnonzero(~tested), np.flatnonzero(tested))


@pytest.fixture
def registry(monkeypatch):
    """The registry, as it was again afterwards."""
    monkeypatch.setattr(PROTOCOLS, "_entries", dict(PROTOCOLS._entries))


@pytest.mark.usefixtures("registry")
def test_a_protocol_from_outside_goes_all_the_way_to_the_report(made_table, tmp_path):
    register(Protocol("third", "every third track", _third))
    assert "third" in choices()
    shuffled = made_table.take(np.random.default_rng(0).permutation(len(made_table)))
    comparison = benchmark(shuffled, models=("logreg",), protocol="third", draws=20)
    assert set(comparison.predictions["track_id"]) == set(shuffled.ids[::3])
    assert any("by artists seen in training" in note for note in comparison.notes)
    write_report(comparison, tmp_path)
    assert "every third track" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert Comparison.read(tmp_path).protocol == "third"


@pytest.mark.usefixtures("registry")
def test_cv_runs_a_protocol_that_says_so(made_table):
    shuffled = made_table.take(np.random.default_rng(0).permutation(len(made_table)))
    register(Protocol("third", "every third track", _third, in_cv=True))
    comparison = benchmark(shuffled, models=("logreg",), draws=20)
    assert comparison.run["protocols"] == ["cv-artist", "cv-random", "third"]


@pytest.mark.usefixtures("registry")
def test_a_protocol_that_breaks_its_own_grouping_is_stopped(made_table):
    shuffled = made_table.take(np.random.default_rng(0).permutation(len(made_table)))
    register(Protocol("third", "every third track", _third, grouping="artists"))
    with pytest.raises(AssertionError, match="groups stand on both sides"):
        benchmark(shuffled, models=("logreg",), protocol="third", draws=20)


@pytest.mark.usefixtures("registry")
def test_a_name_that_is_taken_is_refused():
    with pytest.raises(RequestError, match="'study' already"):
        register(Protocol("study", "mine", _third))
    register(Protocol("study", "mine", _third), replace=True)
    assert title("study") == "mine"


def test_choices_and_titles_come_from_the_registry():
    assert choices() == ["study", "holdout", CV, "cv-artist", "cv-random", "split", "cross"]
    assert title("cv-artist") == PROTOCOLS["cv-artist"].title
    assert title("of an old report") == "of an old report"
