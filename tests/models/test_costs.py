"""Costs: what would take hours is said before it begins, and left out where nobody named it."""

from __future__ import annotations

from genreclf.models import MODELS
from genreclf.models.costs import affordable, warnings


def test_a_small_table_leaves_nothing_out() -> None:
    entries = [entry for entry in MODELS.values() if not entry.series]
    assert affordable(entries, tracks=8000, features=185) == (tuple(entries), [])
    assert not warnings(entries, tracks=8000, features=185)


def test_of_a_million_tracks_what_takes_hours_is_named() -> None:
    entries = [entry for entry in MODELS.values() if not entry.series]
    kept, notes = affordable(entries, tracks=1_000_000, features=185)
    assert {"logreg", "histgb", "most_frequent"} <= {entry.name for entry in kept}
    assert len(kept) + len(notes) == len(entries)
    svc = next(note for note in notes if note.startswith("svc is left out: one fit of 1,000,000 tracks may take some "))
    assert svc.endswith("name it to include it, or `sample=N` draws fewer tracks")
    assert len(warnings([MODELS["svc"]], tracks=1_000_000, features=185)) == 1


def test_what_does_not_fit_into_memory_is_said_even_where_it_is_named() -> None:
    (line,) = warnings([MODELS["rf"]], tracks=1_000_000, features=185)
    assert line.startswith("rf: more than 200,000 tracks take too much memory; `sample=N` draws fewer tracks")
    assert not warnings([MODELS["rf"]], tracks=200_000, features=185)
