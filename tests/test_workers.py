"""Worker processes: each item has one outcome, whatever the others do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from made_work import act

from genreclf.errors import GenreclfError, RequestError
from genreclf.workers import Outcome, Stop, available_workers, in_order, run

ORPHANS = """
from made_work import act
from genreclf.workers import run

for outcome in run(act, ["process", "hang"], jobs=1):
    print(outcome.value, flush=True)
"""


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


@pytest.mark.skipif(sys.platform == "win32", reason="processes are looked up in the way of POSIX")
@pytest.mark.parametrize("sent", ["SIGKILL", "SIGTERM"])
def test_workers_end_with_the_process_that_started_them(sent: str) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", ORPHANS], cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    os.kill(process.pid, getattr(signal, sent))
    process.communicate(timeout=10)
    for _ in range(100):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker is still there")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("to_group", [False, True])
@pytest.mark.parametrize(("sent", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_command_that_is_ended_leaves_nothing_behind(tmp_path: Path, sent: str, code: int, to_group: bool) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", "from genreclf.cli import _end_in_order; _end_in_order()" + ORPHANS],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    assert list(tmp_path.iterdir())
    (os.killpg if to_group else os.kill)(process.pid, getattr(signal, sent))
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors, list(tmp_path.iterdir())) == (code, b"", [])
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_claims_that_vanish_from_among_the_temporary_files_are_made_again(tmp_path: Path) -> None:
    script = "from made_work import act; from genreclf.workers import run; "
    script += "print(sorted(str(o.value) for o in run(act, ['clear', 1, 'clear', 2], jobs=1)))"
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert (ran.stdout, ran.stderr) == ("['1', '2', 'clear', 'clear']\n", "")


def test_a_clock_that_is_set_meanwhile_makes_no_track_late(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 1e6)
    codes = [outcome.error.code for outcome in run(act, ["die", "die"], jobs=2, timeout=60) if outcome.error]
    assert codes == ["crashed", "crashed"]


def test_too_little_memory_for_a_worker_is_told_before_one_is_started() -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    script = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (500 * 10**6, {limits[1]})); " + ORPHANS
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    assert ran.stderr.endswith(
        "GenreclfError: a process may take 500 MB of memory here (ulimit -v), and this needs 650 MB; allow more\n"
    )


def test_a_worker_that_dies_writes_nothing_on_the_terminal() -> None:
    script = "from made_work import act; from genreclf.workers import run; print(*run(act, ['die', 1], jobs=1))"
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert "crashed" in ran.stdout
    assert ran.stderr == ""


def test_what_decoders_print_in_a_worker_is_not_shown_and_what_python_prints_is() -> None:
    script = "from made_work import act; from genreclf.workers import run; print(*run(act, ['print'], jobs=1))"
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("Outcome(")
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == "ours\n"


def test_workers_that_cannot_be_started_are_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.open(os.devnull, os.O_RDONLY)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + 3, limits[1]))
    try:
        with pytest.raises(GenreclfError, match="cannot be started: Too many open files; ask for fewer with --jobs"):
            outcomes([1, 2], jobs=2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not list(tmp_path.glob("genreclf-*"))


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf"), 1e10])
def test_a_time_that_makes_no_sense_is_refused(timeout: float) -> None:
    with pytest.raises(RequestError, match="--timeout"):
        outcomes([1], timeout=timeout)


def test_an_unexpected_fault_is_told_in_one_line() -> None:
    [outcome] = run(act, ["fault"], jobs=1)
    assert str(outcome.error) == "internal: ZeroDivisionError: a fault in two lines"


def test_nothing_is_started_after_a_stop_is_requested() -> None:
    stop = Stop()
    seen = []
    for outcome in run(act, list(range(200)), jobs=2, stop=stop):
        seen.append(outcome.index)
        stop.requested = True
    assert len(seen) < 20


def test_fewer_than_one_worker_makes_no_sense() -> None:
    with pytest.raises(RequestError, match="at least one worker"):
        available_workers(0)


def test_outcomes_are_put_in_order_and_none_is_lost_behind_a_gap():
    came = [Outcome(index, None, None, 0.0) for index in (2, 0, 1, 5, 3, 7)]
    ready = in_order(iter(came))
    assert [next(ready).index for _ in range(3)] == [0, 1, 2]
    assert [outcome.index for outcome in ready] == [3, 5, 7]


@pytest.mark.parametrize("deeds", [["fine"], ["fine"] * 3])
def test_something_else_is_done_once_while_workers_work_and_its_error_ends_the_work(deeds: list[object]) -> None:
    done: list[str] = []
    outcomes = list(run(act, deeds, jobs=1, meanwhile=lambda: done.append("meanwhile")))
    assert [outcome.error for outcome in outcomes] == [None] * len(deeds)
    assert done == ["meanwhile"]

    def fail() -> None:
        raise RequestError("no such model")

    with pytest.raises(RequestError, match="no such model"):
        list(run(act, deeds, jobs=1, meanwhile=fail))
