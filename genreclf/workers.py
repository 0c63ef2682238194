"""Worker processes: many tracks at once, where a bad one costs itself and nothing else.

Work runs in loky processes, one thread each. Every item has a time limit, kept by a watchdog inside the
worker that ends the process; a worker that dies, of this or of a fault in a decoder, takes one item with it: the
items that were under way are tried again, each alone, and the one that dies again is the one reported. Workers end
with the process that started them, also where that is killed. A single item runs in a fork of this process, where that
can be: what is imported need not be imported once more.
"""

from __future__ import annotations

import errno
import faulthandler
import functools
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count, islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from genreclf.errors import GenreclfError, RequestError, TrackError
from genreclf.streams import silence_decoders

Item = TypeVar("Item")
Value = TypeVar("Value")

PENDING: Final = object()
"""What a source of items yields where it has nothing yet, so that what is done meanwhile need not wait for it."""

TIMEOUT = 120.0
_LONGEST_TIMEOUT = 1e6
_ADDRESS_SPACE = 650_000_000  # bytes: libraries and a track of 30 s take 610 MB, longer ones more
_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
_CRASHED = "the worker that read this file died; the file breaks the decoder, or the system ended it to free memory"

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    # glibc: a spectrum's memory is used again for the next track, not handed back and cleared anew page by page.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    # A worker that dies is told of as a track that failed; loky would have its stack printed as well.
    "PYTHONFAULTHANDLER": "",
}


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What came of one item: a value, or the error that says why there is none."""

    index: int
    value: Value | None
    error: TrackError | None
    seconds: float


class Stop(AbstractContextManager["Stop"]):
    """Ctrl-C as a request: the first lets what is under way finish, the second stops at once.

    Outside the main thread it listens to nothing and only carries the request.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def available_workers(jobs: int | None) -> int:
    """How many workers to use: the number asked for, or one for each core that this process may use.

    Raises
    ------
    RequestError : the number is below 1.
    """
    _check_jobs(jobs)
    if jobs is None:
        from loky import cpu_count

        return int(cpu_count())
    return jobs


def _check_jobs(jobs: int | None) -> None:
    if jobs is not None and jobs < 1:
        raise RequestError(f"--jobs {jobs}: at least one worker is needed")


def check_timeout(timeout: float) -> None:
    """Raise a `RequestError` unless the seconds that one item may take make sense."""
    if not 0 < timeout <= _LONGEST_TIMEOUT:
        raise RequestError(f"--timeout {timeout:g}: give seconds above 0 and up to {_LONGEST_TIMEOUT:,.0f}")


def run(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    jobs: int | None = None,
    timeout: float = TIMEOUT,
    stop: Stop | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Iterator[Outcome[Value]]:
    """Apply a function to every item in worker processes and yield each outcome as soon as it is there.

    Parameters
    ----------
    function : importable by name in a worker; a `TrackError` that it raises becomes the outcome's error.
    items : what to work on, taken as workers become free; `PENDING` among them stands for nothing yet.
    jobs : number of processes; by default one for each usable core.
    timeout : seconds that one item may take.
    stop : when it is requested, no further item is started and the iterator ends after those under way.
    meanwhile : called once, as soon as workers have something to do; it raises through here.

    Raises
    ------
    RequestError : the number of jobs or the time makes no sense.
    GenreclfError : worker processes cannot be started or die before they begin.
    """
    check_timeout(timeout)
    stop = stop or Stop()
    _check_jobs(jobs)
    check_memory()
    tasks = _numbered(items)
    first = [task for _, task in zip(range(2), tasks, strict=False)]
    try:
        if len(first) == 1 and first[0] is not None and _can_fork():
            if not stop.requested:
                yield _forked(function, *first[0], timeout, meanwhile or _nothing)
            return
        workers = available_workers(jobs)
        if isinstance(items, Sized):
            workers = min(workers, max(1, len(items)))
        queue = _calling(meanwhile or _nothing, chain(first, tasks), after=workers)
        yield from _rounds(function, queue, workers=workers, timeout=timeout, stop=stop)
    except OSError as error:
        remedy = "; ask for fewer with --jobs" if error.errno in _TOO_MANY else ""
        raise GenreclfError(f"worker processes cannot be started: {error.strerror or error}{remedy}") from error


def _numbered(items: Iterable[Item]) -> Iterator[tuple[int, Item] | None]:
    """The items with their numbers; None for nothing yet."""
    number = count()
    for item in items:
        yield None if item is PENDING else (next(number), item)


def _nothing() -> None:
    """What is done meanwhile where nothing is to be done."""


def _calling(meanwhile: Callable[[], object], tasks: Iterable[Value], *, after: int) -> Iterator[Value]:
    """The tasks, and a call when so many of them, or all, have been taken."""
    taken = iter(tasks)
    yield from islice(taken, after)
    meanwhile()
    yield from taken


def check_memory() -> None:
    """Raise a `GenreclfError` where a process could not hold its libraries and one track, or a model.

    Some of those libraries ask for memory again and again where there is none.
    """
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _ADDRESS_SPACE:
        raise GenreclfError(
            f"a process may take {limit / 1e6:,.0f} MB of memory here (ulimit -v), and this needs "
            f"{_ADDRESS_SPACE / 1e6:,.0f} MB; allow more"
        )


def _rounds(
    function: Callable[[Item], Value],
    fresh: Iterator[tuple[int, Item] | None],
    *,
    workers: int,
    timeout: float,
    stop: Stop,
) -> Iterator[Outcome[Value]]:
    """Work in one pool after another: a worker that dies breaks its pool."""
    fruitless = 0
    waiting: dict[int, Item] = {}
    while not stop.requested:
        with _folder_of_claims() as claims:
            queue = chain(list(waiting.items()), fresh)
            try:
                for outcome in _round(
                    function, queue, waiting, workers=workers, timeout=timeout, stop=stop, claims=claims
                ):
                    del waiting[outcome.index]
                    fruitless = 0
                    yield outcome
                return
            except _worker_deaths():
                suspects = _under_way(claims, waiting)
            fruitless += not suspects
            if fruitless == 3:
                raise GenreclfError("worker processes die before they begin; is there memory left for them?")
            late = [index for index, age in suspects.items() if age >= timeout]
        for index in late:
            del waiting[index]
            yield _late(index, timeout)
        for index in suspects.keys() - set(late):
            yield _alone(function, index, waiting.pop(index), timeout, sure=len(suspects) == 1)


def in_order(outcomes: Iterable[Outcome[Value]]) -> Iterator[Outcome[Value]]:
    """Hold each outcome back until those of all items before it are there; where some never come, to the end."""
    held: dict[int, Outcome[Value]] = {}
    wanted = 0
    for outcome in outcomes:
        held[outcome.index] = outcome
        while wanted in held:
            yield held.pop(wanted)
            wanted += 1
    for _, outcome in sorted(held.items()):
        yield outcome


def _round(
    function: Callable[[Item], Value],
    queue: Iterator[tuple[int, Item] | None],
    waiting: dict[int, Item],
    *,
    workers: int,
    timeout: float,
    stop: Stop,
    claims: Path,
) -> Iterator[Outcome[Value]]:
    """Work through the queue until it is done, a worker dies, or a stop is requested; `waiting` gets what is begun."""
    from loky import ProcessPoolExecutor

    parent, ours = Pipe(duplex=False)
    with _hangup_held_back():
        pool = ProcessPoolExecutor(workers, initializer=_prepare, initargs=(parent,), env=_ENVIRONMENT)
    try:
        under_way: set[Future[Outcome[Value]]] = set()
        ended = False
        while True:
            pending = False
            while len(under_way) < 2 * workers and not (stop.requested or pending or ended):
                try:
                    task = next(queue)
                except StopIteration:
                    ended = True
                    break
                pending = task is None
                if task is not None:
                    waiting[task[0]] = task[1]
                    with _hangup_held_back():
                        under_way.add(pool.submit(_guarded, function, *task, timeout, claims))
            if not under_way and (ended or stop.requested):
                return
            done, under_way = wait(under_way, timeout=0 if pending else None, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=True, kill_workers=True)
        parent.close()
        ours.close()


def _can_fork() -> bool:
    """Whether a fork of this process can work: on Linux, and where no other thread of Python's is left behind."""
    return sys.platform == "linux" and threading.active_count() == 1


def _forked(
    function: Callable[[Item], Value], index: int, item: Item, timeout: float, meanwhile: Callable[[], object]
) -> Outcome[Value]:
    """One item in a fork of this process, which imports nothing anew; this one does something else meanwhile."""
    parent, ours = Pipe(duplex=False)
    theirs, send = Pipe(duplex=False)
    start = time.perf_counter()
    with _hangup_held_back(), warnings.catch_warnings():
        # Threads of libraries, which Python 3.12 warns of, are theirs to restart.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            ours.close()
            theirs.close()
            _prepare(parent)
            send.send(_limited(function, index, item, timeout))
        finally:
            os._exit(0)
    try:
        parent.close()
        send.close()
        meanwhile()
        outcome: Outcome[Value] = theirs.recv()
    except (EOFError, ConnectionError):
        seconds = time.perf_counter() - start
        return _late(index, timeout) if seconds >= timeout else _lost(index, "crashed", _CRASHED, seconds)
    else:
        return outcome
    finally:
        ours.close()  # the fork ends with it
        theirs.close()
        os.waitpid(child, 0)


class Crew(AbstractContextManager["Crew"]):
    """Workers that stay, for a service: each call is done by one of them, and one that dies is replaced.

    Calls may come from many threads; where all workers are busy, a call waits.

    Parameters
    ----------
    jobs : number of processes.
    warm : what a worker does before it gets its first item, importable by name, so that no item waits for it.
    """

    def __init__(self, jobs: int, *, warm: Callable[[None], object]) -> None:
        self._jobs = jobs
        self._warm = warm
        self._free: SimpleQueue[Any] = SimpleQueue()

    def __enter__(self) -> Self:
        self._parent, self._ours = Pipe(duplex=False)
        starting = [threading.Thread(target=self._start) for _ in range(self._jobs)]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in range(self._jobs):
            self._free.get().shutdown(wait=True, kill_workers=True)
        self._parent.close()
        self._ours.close()

    def call(
        self, function: Callable[[Item], Value], item: Item, *, timeout: float, wait: float | None = None
    ) -> Outcome[Value]:
        """Apply a function, importable by name, to an item; a worker that dies of it is the outcome's error.

        Parameters
        ----------
        timeout : seconds that waiting for a worker and its work may take.
        wait : seconds that waiting may take by itself; the work has all of `timeout` then.
        """
        start = time.perf_counter()
        try:
            pool = self._free.get(timeout=timeout if wait is None else wait)
        except Empty:
            return _late(0, timeout)
        if wait is not None:
            start = time.perf_counter()
        try:
            left = max(timeout - (time.perf_counter() - start), 0.001)
            outcome: Outcome[Value] = pool.submit(_limited, function, 0, item, left).result()
        except _worker_deaths():
            threading.Thread(target=self._start, args=(pool,)).start()
            seconds = time.perf_counter() - start
            return _late(0, timeout) if seconds >= timeout else _lost(0, "crashed", _CRASHED, seconds)
        except BaseException:
            self._free.put(pool)
            raise
        self._free.put(pool)
        return outcome

    def _start(self, dead: Any = None) -> None:  # noqa: ANN401 - loky has no types
        """Start a worker, in the place of a dead one."""
        from loky import ProcessPoolExecutor

        if dead is not None:
            dead.shutdown(wait=True, kill_workers=True)
        pool = ProcessPoolExecutor(1, initializer=_prepare, initargs=(self._parent,), env=_ENVIRONMENT)
        with suppress(*_worker_deaths()):  # what kills it now is told by the first item
            pool.submit(_limited, self._warm, 0, None, 600.0).result()
        self._free.put(pool)


@contextmanager
def _hangup_held_back() -> Iterator[None]:
    """Start processes that SIGHUP, which reaches every process of the terminal, does not end before this one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@functools.cache
def _settle() -> None:
    """Once in each worker, after its first item: what was imported need not be looked through by every collection."""
    gc.freeze()


def _prepare(parent: Connection) -> None:
    """Leave Ctrl-C, which reaches every process of the terminal, to the one that started the work; end with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence_decoders()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    """Wait until the other end of the pipe is closed, as it is where the parent was killed, and end this process."""
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    os._exit(1)


def _alone(function: Callable[[Item], Value], index: int, item: Item, timeout: float, *, sure: bool) -> Outcome[Value]:
    """Try an item in a pool of its own: whoever dies there has nobody else to blame."""
    if sure:
        return _lost(index, "crashed", _CRASHED, 0.0)
    with _folder_of_claims() as claims:
        try:
            alone = iter([(index, item)])
            return next(_round(function, alone, {}, workers=1, timeout=timeout, stop=Stop(), claims=claims))
        except _worker_deaths():
            age = _under_way(claims, {index: item}).get(index, 0.0)
    return _late(index, timeout) if age >= timeout else _lost(index, "crashed", _CRASHED, age)


@contextmanager
def _folder_of_claims() -> Iterator[Path]:
    """A temporary folder; an empty one is removed even where no file can be opened any more."""
    folder = Path(tempfile.mkdtemp(prefix="genreclf-"))
    try:
        yield folder
    finally:
        try:
            folder.rmdir()
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)


def _late(index: int, timeout: float) -> Outcome[Any]:
    return _lost(index, "timeout", f"not described within {timeout:g} s and given up", timeout)


def _lost(index: int, code: str, reason: str, seconds: float) -> Outcome[Any]:
    return Outcome(index, None, TrackError(code, reason), seconds)


def _worker_deaths() -> tuple[type[BaseException], ...]:
    from loky.process_executor import BrokenProcessPool, TerminatedWorkerError

    return (BrokenProcessPool, TerminatedWorkerError)


def _under_way(claims: Path, waiting: dict[int, Any]) -> dict[int, float]:
    """Items that a worker had begun and not ended, with the seconds since."""
    now = time.monotonic()
    ages = {}
    with suppress(FileNotFoundError):  # whoever clears temporary files may take them away at any time
        ages = {int(claim.name): now - float(claim.read_text("ascii") or now) for claim in claims.iterdir()}
    return {index: age for index, age in sorted(ages.items()) if index in waiting}


def _guarded(function: Callable[[Item], Value], index: int, item: Item, timeout: float, claims: Path) -> Outcome[Value]:
    """One item inside a worker, with its claim."""
    claim = claims / str(index)
    begun = repr(time.monotonic())  # the same clock in all processes, which nobody sets
    try:
        claim.write_text(begun, "ascii")
    except FileNotFoundError:
        claims.mkdir(mode=0o700, parents=True, exist_ok=True)
        claim.write_text(begun, "ascii")
    outcome = _limited(function, index, item, timeout)
    claim.unlink(missing_ok=True)
    return outcome


def _limited(function: Callable[[Item], Value], index: int, item: Item, timeout: float) -> Outcome[Value]:
    """One item inside a worker, with its watchdog and its errors caught."""
    start = time.perf_counter()
    value, error = None, None
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        try:
            faulthandler.dump_traceback_later(timeout, exit=True, file=nowhere)
        except RuntimeError as fault:
            raise GenreclfError("a worker cannot start a thread: too little memory, or too many processes") from fault
        try:
            value = function(item)
        except TrackError as refused:
            error = refused
        except MemoryError:
            error = TrackError("memory", "not enough memory for this file")
        except GenreclfError:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever one file provokes, the others go on
            error = TrackError("internal", f"{type(fault).__name__}: {' '.join(str(fault).split())}")
        finally:
            faulthandler.cancel_dump_traceback_later()
    _settle()
    return Outcome(index, value, error, time.perf_counter() - start)
