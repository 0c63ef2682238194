"""Worker processes: each item has one outcome, whatever the others do."""

from __future__ import annotations

import time

import pytest
from made_work import act

from genreclf.errors import RequestError
from genreclf.workers import Stop, available_workers, run


def outcomes(deeds: list[object], **options: object) -> dict[int, object]:
    found = {}
    for outcome in run(act, deeds, **options):
        assert outcome.index not in found, "each item has one outcome"
        found[outcome.index] = outcome.error.code if outcome.error else outcome.value
    return found


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_has_its_own_outcome(jobs: int) -> None:
    deeds = [1, "refuse", 3, "fault", "threads"]
    assert outcomes(deeds, jobs=jobs) == {0: 1, 1: "too-short", 2: 3, 3: "internal", 4: "1"}


def test_a_worker_that_dies_takes_one_item_with_it() -> None:
    deeds = [*range(6), "die", *range(7, 12)]
    found = outcomes(deeds, jobs=2)
    assert found == {i: deed if deed != "die" else "crashed" for i, deed in enumerate(deeds)}


def test_an_item_that_hangs_is_given_up_after_its_time() -> None:
    start = time.perf_counter()
    assert outcomes(["a", "hang", "b", "c"], jobs=2, timeout=1.5) == {0: "a", 1: "timeout", 2: "b", 3: "c"}
    assert time.perf_counter() - start < 20


def test_an_unexpected_fault_is_told_in_one_line() -> None:
    [outcome] = run(act, ["fault"], jobs=1)
    assert str(outcome.error) == "internal: ZeroDivisionError: a fault in two lines"


def test_nothing_is_started_after_a_stop_is_wished() -> None:
    stop = Stop()
    seen = []
    for outcome in run(act, list(range(200)), jobs=2, stop=stop):
        seen.append(outcome.index)
        stop.wished = True
    assert len(seen) < 20


def test_fewer_than_one_worker_makes_no_sense() -> None:
    with pytest.raises(RequestError, match="at least one worker"):
        available_workers(0)
