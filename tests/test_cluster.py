"""A Dask cluster in the place of worker processes: the same outcomes, tables and scores."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from made_up import made_up_table
from made_work import act, end_the_dask_worker, report, report_in_turn
from without_workers import without_workers

import genreclf
from genreclf import cluster
from genreclf.cluster import connected, map_on, run_on
from genreclf.errors import GenreclfError, RequestError
from genreclf.extraction import extract
from genreclf.workers import Stop

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

PROBE = partial(report, version="1")


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    with connected("local:2") as found:
        assert found is not None
        yield found


@pytest.fixture(scope="module")
def in_process() -> Iterator[distributed.Client]:
    """A cluster of one worker in this process, whose crew is a process all the same."""
    options = {"processes": False, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "500ms"}),
        distributed.LocalCluster(n_workers=1, **options) as made,
        distributed.Client(made, timeout=0.5, set_as_default=False) as found,
    ):
        yield found


def outcomes(client: distributed.Client, deeds: list[object], **options: object) -> dict[int, object]:
    found = {}
    for outcome in run_on(client, options.pop("function", act), deeds, **{"probe": PROBE} | options):
        assert outcome.index not in found, "each item has one outcome"
        found[outcome.index] = outcome.error.code if outcome.error else outcome.value
    return found


def test_every_item_has_its_own_outcome_as_with_processes(client: distributed.Client) -> None:
    deeds = [*range(40), "refuse", "fault", "die", "hang", "threads", *range(5)]
    said = {"refuse": "too-short", "fault": "internal", "die": "crashed", "hang": "timeout", "threads": "1"}
    found = outcomes(client, deeds, timeout=1.5)
    assert found == {i: said.get(deed, deed) for i, deed in enumerate(deeds)}
    assert len(client.nthreads()) == 2, "no item ended a Dask worker"


def test_a_worker_that_differs_from_the_others_is_left_out(client: distributed.Client, tmp_path: Path) -> None:
    said: list[str] = []
    probe = partial(report_in_turn, folder=tmp_path)
    found = outcomes(client, list(range(300)), probe=probe, report=said.append)
    assert found == dict(enumerate(range(300)))
    # The first worker to answer is the one that the others are held against.
    assert [line.partition(" is left out: ")[2] for line in said] in (
        ["numpy 2 there, 1 here"],
        ["numpy 1 there, 2 here"],
    )


def test_workers_that_all_differ_from_this_machine_are_refused(
    client: distributed.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_probed_here", lambda _: {"numpy": "9", "a sound": "1f"})
    said: list[str] = []
    with (
        distributed.Client(client.scheduler.address, set_as_default=False) as remote,
        pytest.raises(GenreclfError, match=r"no worker of the cluster can be used; tcp.*: numpy 1 there, 9 here"),
    ):
        outcomes(remote, [1, 2], report=said.append)
    assert len(said) == 2


def test_nothing_is_handed_out_after_a_stop_is_requested(client: distributed.Client) -> None:
    stop = Stop()
    seen = []
    for outcome in run_on(client, act, list(range(5000)), probe=PROBE, stop=stop):
        seen.append(outcome.index)
        stop.requested = True
    assert 0 < len(seen) < 1100


def test_an_item_that_ends_dask_workers_costs_itself_only(
    client: distributed.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    found = outcomes(client, [*range(7), "lose", *range(8, 12)], function=end_the_dask_worker)
    assert found == {i: i if i != 7 else "crashed" for i in range(12)}


def test_a_table_is_the_same_to_the_byte(
    in_process: distributed.Client, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (music / "low" / "text.mp3").write_text("no music at all")
    done = extract(music, tmp_path / "many.csv", client=in_process)
    without_workers(monkeypatch.setattr)
    extract(music, tmp_path / "one.csv", jobs=1)
    assert (done.computed, [failure.track_id for failure in done.failed]) == (6, ["low/text.mp3"])
    for suffix in (".csv", ".failed.csv", ".json"):
        assert (tmp_path / f"many{suffix}").read_bytes() == (tmp_path / f"one{suffix}").read_bytes()
    assert extract(music, tmp_path / "many.csv", client=in_process).reused == 6


def test_scores_are_those_of_one_machine(in_process: distributed.Client) -> None:
    options = {"models": ["logreg", "most_frequent"], "folds": 3, "repeats": 2, "probabilities": True, "draws": 20}
    here, there = (
        genreclf.benchmark(made_up_table(), **options, **where) for where in ({"jobs": 1}, {"client": in_process})
    )
    for name in ("predictions", "probabilities", "repeats", "tests"):
        assert getattr(there, name).equals(getattr(here, name)), name
    timed = ["fit_seconds", "predict_seconds"]
    assert there.scores.drop(columns=timed).equals(here.scores.drop(columns=timed))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler there .*; give an address as tcp://host:8786, or local:N"),
        ("local:0", "local:0: at least one worker is needed"),
        ("somewhere", "no Dask scheduler there"),
        (7, "`client=int`: give a dask.distributed.Client, an address or local:N"),
    ],
)
def test_a_cluster_that_is_none_is_refused(name: object, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    with pytest.raises(RequestError, match=line), connected(name):
        pass


def test_jobs_and_a_cluster_exclude_each_other(music: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="`jobs=2`: a cluster has its own number of workers"):
        extract(music, tmp_path / "t.csv", jobs=2, client="local:2")
    assert not (tmp_path / "t.csv").exists()


def test_without_dask_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RequestError, match=r'pip install "genreclf\[cluster\]"'), connected("local:1"):
        pass


def test_a_scheduler_that_is_lost_is_told_in_one_line(in_process: distributed.Client) -> None:
    came = run_on(in_process, act, [1, *["process"] * 5000], probe=PROBE)
    assert next(came).error is None
    fits = map_on(in_process, max, [1, 2, *[3] * 100], 2)
    assert {next(fits)[0] for _ in range(2)} <= set(range(4))
    in_process.sync(in_process.cluster.scheduler.close)
    with pytest.raises(GenreclfError, match="the scheduler or workers of the cluster are lost"):
        list(fits)
    with pytest.raises(GenreclfError, match="the scheduler of the cluster is lost; what came back is kept"):
        list(came)
