"""Work on a Dask cluster: what `genreclf.workers` does with processes, on any number of machines.

Items travel in batches of some seconds of work, and outcomes come back; how many batches are under way goes by the
number of threads of the cluster, so that memory stays flat however many items there are. Each Dask worker hands its
items to a `Crew` of processes of its own: a file that breaks the decoder, hangs or takes all memory ends such a process
and never the Dask worker, and costs what it costs on one machine. The batches of a Dask worker that is lost are done
again by the others.

Every Dask worker reports, before its first batch, the versions that it has and whatever else must be the same
everywhere; one that differs gets nothing more to do.
"""

from __future__ import annotations

import math
import multiprocessing
import pickle
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import metadata
from itertools import islice
from multiprocessing.util import Finalize
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from genreclf import workers
from genreclf.errors import GenreclfError, RequestError, TrackError, one_line
from genreclf.versions import versions
from genreclf.workers import Crew, Item, Outcome, Stop, Value, check_timeout

if TYPE_CHECKING:
    from distributed import Client, Future

Probe = Callable[[None], Mapping[str, str]]
"""What a worker reports of itself, by name; importable by name."""

Data = TypeVar("Data")
_LOCAL = re.compile(r"local(?::(\d+))?")
_ANY_PORT = "127.0.0.1:0"
_CONNECT_SECONDS = 10.0
_START_SECONDS = 600.0  # that a process may take to be ready, with the inner loops to compile
_LOOK_SECONDS = 1.0  # between two looks at which workers there are
_BATCH_SECONDS = 1.0
_LONGEST_BATCH_SECONDS = 8.0
_BATCHES_PER_SECOND = 32.0  # that the scheduler shall see, where longer batches bring it down to that
_LARGEST_BATCH = 256
_MOST_AT_ONCE = 4  # batches that are fetched together, which bounds the memory that they take here
_IDLE_SECONDS = 60.0  # after which a Dask worker that got nothing more to do ends its crew
_KILLED = "the Dask workers that read this file were lost, one after another; it may take all of their memory"


@contextmanager
def connected(
    client: Client | str | None, *, jobs: int | None = None, same: Sequence[str] = ()
) -> Iterator[Client | None]:
    """A client of a Dask cluster for as long as it is needed; whoever brings one keeps it.

    Parameters
    ----------
    client : a ``dask.distributed.Client``, the address of a scheduler, ``local:N`` for N worker processes on this
        machine, or None, which stays None.
    jobs : the number of workers of this machine, which cannot be chosen beside a cluster.
    same : distributions of which all workers must have the same version as this machine, as of genreclf.

    Raises
    ------
    RequestError : there is no scheduler at the address, the name stands for nothing, or Dask is not installed.
    GenreclfError : a worker has other versions.
    """
    if client is None:
        yield None
        return
    if jobs is not None:
        raise RequestError(f"`jobs={jobs}`: a cluster has its own number of workers; leave this out")
    with _client(client) as found:
        if same:
            _check_versions(found, same)
        yield found


@contextmanager
def _client(client: Client | str) -> Iterator[Client]:
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.utils import silence_logging_cmgr
    except ImportError:
        raise RequestError('a cluster needs Dask; install it with: pip install "genreclf[cluster]"') from None
    if isinstance(client, Client):
        yield client
        return
    if not isinstance(client, str):
        raise RequestError(f"`client={type(client).__name__}`: give a dask.distributed.Client, an address or local:N")
    local = _LOCAL.fullmatch(client)
    if local and local[1] is not None and int(local[1]) < 1:
        raise RequestError(f"{client}: at least one worker is needed")
    options = {
        "distributed.deploy.lost-worker-timeout": "600s",  # a busy machine takes its time to start one anew
        "distributed.logging.distributed": "critical",
        "distributed.worker.profile.enabled": False,
        "distributed.admin.system-monitor.interval": "60s",
        "distributed.admin.tick.interval": "1s",
    }
    with silence_logging_cmgr("CRITICAL"), dask.config.set(options):
        if local:
            number = workers.available_workers(int(local[1]) if local[1] else None)
            with (
                LocalCluster(
                    n_workers=number,
                    threads_per_worker=1,
                    memory_limit=0,
                    dashboard_address=_ANY_PORT,
                    worker_dashboard_address=_ANY_PORT,
                    silence_logs="CRITICAL",
                ) as made,
                Client(made, set_as_default=False) as found,
            ):
                yield found
            return
        try:
            there = Client(client, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise RequestError(
                f"{client}: no Dask scheduler there ({one_line(error)}); give an address as tcp://host:8786, or local:N"
            ) from None
        with there:
            yield there


def _check_versions(client: Client, names: Sequence[str]) -> None:
    here = _comparable(versions(*names))
    for address, there in client.run(versions, *names, on_error="return").items():
        found = {} if isinstance(there, Exception) else _comparable(there)
        if difference := _difference(here, found):
            raise GenreclfError(f"Dask worker {address}: {difference}; install the same versions there")


def _comparable(found: Mapping[str, str]) -> dict[str, str]:
    return {name: version for name, version in found.items() if name != "python"}


def run_on(
    client: Client,
    function: Callable[[Item], Value],
    items: Sequence[Item],
    *,
    probe: Probe,
    timeout: float = workers.TIMEOUT,
    stop: Stop | None = None,
    report: Callable[[str], object] = lambda _: None,
) -> Iterator[Outcome[Value]]:
    """Apply a function to every item on a cluster and yield each outcome as soon as it is there.

    Parameters
    ----------
    function, items, timeout, stop : as of `genreclf.workers.run`.
    probe : what a worker reports of itself; those are left out that report something else than this machine does, or,
        on a cluster of this machine only, than the first.
    report : gets a line about each worker that is left out, and one where there is none to wait for.

    Raises
    ------
    RequestError : the time makes no sense.
    GenreclfError : the scheduler is lost, or no worker is left that is not left out.
    """
    check_timeout(timeout)
    from distributed import CancelledError, LocalCluster

    if not items:
        return
    expected = None if isinstance(client.cluster, LocalCluster) else _probed_here(probe)
    dispatch = _Dispatch(
        function,
        items,
        client=client,
        probe=probe,
        expected=expected,
        timeout=timeout,
        stop=stop or Stop(),
        report=report,
    )
    try:
        yield from dispatch.outcomes()
    except (OSError, CancelledError):
        raise _scheduler_lost() from None
    except Exception as error:
        if isinstance(error, GenreclfError) or client.status == "running":
            raise
        raise _scheduler_lost() from error


def map_on(
    client: Client, function: Callable[[Item, Data], Value], items: Sequence[Item], data: Data
) -> Iterator[tuple[int, Value]]:
    """Call a function with every item and the same data on a cluster, and yield numbers and values as they come.

    Parameters
    ----------
    items : begun in their order, two for each thread of the cluster at a time.
    data : sent to each worker once.

    Raises
    ------
    GenreclfError : the cluster is lost. What the function raises is raised here.
    """
    from distributed import CancelledError, as_completed
    from distributed.scheduler import KilledWorker

    try:
        (shared,) = client.scatter([data], broadcast=True, hash=False)
        places: dict[Future[Any], int] = {}
        ended = as_completed([], loop=client.loop)
        left = iter(enumerate(items))
        while True:
            for place, item in islice(left, 2 * max(1, sum(client.nthreads().values())) - len(places)):
                future = client.submit(function, item, shared, pure=False)
                places[future] = place
                ended.add(future)
            if not places:
                return
            future = next(ended)
            yield places.pop(future), future.result()
    except (OSError, CancelledError, KilledWorker) as error:
        raise GenreclfError(f"the scheduler or workers of the cluster are lost: {one_line(error)}") from None


def _scheduler_lost() -> GenreclfError:
    return GenreclfError(
        "the scheduler of the cluster is lost; what came back is kept, the same command goes on from here"
    )


def _probed_here(probe: Probe) -> Mapping[str, str]:
    (outcome,) = workers.run(probe, [None], jobs=1, timeout=_START_SECONDS)
    if outcome.value is None:
        raise GenreclfError(f"this machine cannot work as the workers shall: {outcome.error}")
    return outcome.value


@dataclass(frozen=True)
class _Done(Generic[Value]):
    """What a Dask worker sends back for a batch.

    Parameters
    ----------
    worker : its address.
    nature : what it reports of itself.
    outcomes : none where the nature is not the expected one, or there is trouble.
    trouble : why the worker can do nothing at all.
    """

    worker: str
    nature: Mapping[str, str] = field(default_factory=dict)
    outcomes: tuple[Outcome[Value], ...] = ()
    seconds: float = 0.0
    trouble: str = ""


@dataclass(frozen=True)
class _Batch(Generic[Item]):
    """Items under way; `workers` are the only ones that may have them, where not all may.

    Where they are `alone`, nothing else is under way.
    """

    future: Future[Any]
    tasks: tuple[tuple[int, Item], ...]
    workers: frozenset[str]
    alone: bool


class _Dispatch(Generic[Item, Value]):
    """Which items wait, which are under way, and which workers get some."""

    def __init__(
        self,
        function: Callable[[Item], Value],
        items: Sequence[Item],
        *,
        client: Client,
        probe: Probe,
        expected: Mapping[str, str] | None,
        timeout: float,
        stop: Stop,
        report: Callable[[str], object],
    ) -> None:
        from distributed.protocol.pickle import dumps

        self._dumps = dumps
        self._work = dumps((function, probe))
        self._client = client
        self._run = uuid4().hex
        self._expected = expected
        self._timeout = timeout
        self._stop = stop
        self._report = report
        self._fresh = iter(enumerate(items))
        self._left = len(items)
        self._again: deque[tuple[tuple[int, Item], ...]] = deque()
        self._suspects: deque[tuple[int, Item]] = deque()  # of having cost one Dask worker after another
        self._under_way: dict[str, _Batch[Item]] = {}
        self._done: SimpleQueue[Future[Any]] = SimpleQueue()
        self._threads: dict[str, int] = {}  # of each worker that is not left out
        self._left_out: set[str] = set()
        self._looked = -math.inf
        self._waits = False
        self._seconds = _BATCH_SECONDS / 4  # that an item takes, as a first guess

    def outcomes(self) -> Iterator[Outcome[Value]]:
        """Hand out and collect until all is done, or what is under way once a stop is requested."""
        try:
            while True:
                self._look()
                self._hand_out()
                if not self._under_way or (self._stop.requested and not self._threads):
                    return
                yield from self._collect()
        finally:
            self._under_way.clear()  # nobody wants them any more: the scheduler forgets them

    def _look(self, *, now: bool = False) -> None:
        """See which workers there are; what only lost ones may do is given to others."""
        if not now and time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        there = self._client.nthreads()
        self._looked = time.monotonic()
        self._threads = {worker: threads for worker, threads in there.items() if worker not in self._left_out}
        if not there and not self._waits:
            self._report("the cluster has no workers; waiting for some")
        self._waits = not there
        for key, batch in list(self._under_way.items()):
            if batch.workers and not batch.workers & there.keys():
                self._again.append(self._under_way.pop(key).tasks)

    def _hand_out(self) -> None:
        room = 2 * max(1, sum(self._threads.values()))
        while len(self._under_way) < room and not self._stop.requested and (tasks := self._next()):
            self._submit(tasks)
        if self._suspects and not (self._under_way or self._stop.requested):
            self._submit((self._suspects.popleft(),), alone=True)

    def _submit(self, tasks: tuple[tuple[int, Item], ...], *, alone: bool = False) -> None:
        chosen = frozenset(self._threads) if self._left_out else frozenset()
        future = self._client.submit(
            _work_off,
            self._work,
            self._dumps(tasks),
            timeout=self._timeout,
            run=self._run,
            expected=self._expected,
            workers=sorted(chosen) or None,
            pure=False,
        )
        self._under_way[future.key] = _Batch(future, tasks, chosen, alone)
        future.add_done_callback(self._done.put)

    def _next(self) -> tuple[tuple[int, Item], ...]:
        """The next batch: a second of work or some, and less towards the end, so that all workers end together."""
        if self._again:
            return self._again.popleft()
        threads = max(1, sum(self._threads.values()))
        seconds = min(max(_BATCH_SECONDS, threads / _BATCHES_PER_SECOND), _LONGEST_BATCH_SECONDS)
        share = math.ceil(self._left / (2 * threads))
        tasks = tuple(islice(self._fresh, max(1, min(int(seconds / self._seconds), share, _LARGEST_BATCH))))
        self._left -= len(tasks)
        return tasks

    def _collect(self) -> Iterator[Outcome[Value]]:
        batches = self._ended()
        came = [batch.future for batch in batches if batch.future.status == "finished"]
        found = self._client.gather({future.key: future for future in came}, errors="skip") if came else {}
        for batch in batches:
            done = found.get(batch.future.key)
            yield from self._failed(batch) if done is None else self._received(batch, done)

    def _ended(self) -> list[_Batch[Item]]:
        """Batches that have ended in whatever way, of which there may be none."""
        futures = []
        with suppress(Empty):
            futures.append(self._done.get(timeout=_LOOK_SECONDS))
            while len(futures) < _MOST_AT_ONCE:
                futures.append(self._done.get_nowait())
        return [self._under_way.pop(future.key) for future in futures if future.key in self._under_way]

    def _received(self, batch: _Batch[Item], done: _Done[Value]) -> Iterator[Outcome[Value]]:
        if self._expected is None and not done.trouble:
            self._expected = done.nature
        trouble = done.trouble or _difference(self._expected or {}, done.nature)
        if trouble:
            self._again.append(batch.tasks)
            self._leave_out(done.worker, trouble)
            return
        self._seconds += (max(done.seconds / len(batch.tasks), 1e-4) - self._seconds) / 4
        yield from done.outcomes

    def _failed(self, batch: _Batch[Item]) -> Iterator[Outcome[Value]]:
        """A batch without a result: it is tried again.

        Dask gives up what has cost it several workers, and whatever waited there beside it. The items of such a batch
        are tried at the end, each alone: the one that is given up again is to blame.
        """
        from distributed.scheduler import KilledWorker

        error = batch.future.exception() if batch.future.status == "error" else None
        if isinstance(error, KilledWorker):
            if batch.alone:
                yield Outcome(batch.tasks[0][0], None, TrackError("crashed", _KILLED), 0.0)
            else:
                self._suspects.extend(batch.tasks)
            return
        if error is None and self._client.status != "running":
            raise _scheduler_lost()
        self._again.append(batch.tasks)
        if error is not None:
            self._leave_out_strangers(error)

    def _leave_out_strangers(self, error: BaseException) -> None:
        """Leave out the workers that cannot even begin, as they have another genreclf or none."""
        ours = metadata.version("genreclf")
        found = self._client.run(metadata.version, "genreclf", on_error="return")
        strangers = {worker: version for worker, version in found.items() if version != ours}
        if not strangers.keys() - self._left_out:
            raise GenreclfError(
                f"the cluster cannot work: {one_line(error)}; scheduler and workers need the genreclf of this machine"
            )
        for worker, version in strangers.items():
            there = {} if isinstance(version, Exception) else {"genreclf": version}
            self._leave_out(worker, _difference({"genreclf": ours}, there))

    def _leave_out(self, worker: str, reason: str) -> None:
        if worker not in self._left_out:
            self._left_out.add(worker)
            self._report(f"Dask worker {worker} is left out: {reason}")
        self._look(now=True)
        if not (self._threads or self._waits):
            raise GenreclfError(f"no worker of the cluster can be used; {worker}: {reason}")


def _difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """The first thing in which a worker differs; empty where it does not."""
    names = [name for name in here if here[name] != there.get(name)]
    return f"{names[0]} {there.get(names[0], 'not found')} there, {here[names[0]]} here" if names else ""


def _work_off(work: bytes, batch: bytes, *, timeout: float, run: str, expected: Mapping[str, str] | None) -> _Done[Any]:
    """A batch, on a Dask worker.

    Parameters
    ----------
    work : pickle of the function and the probe, which the scheduler need not look into.
    batch : pickle of the items with their numbers.
    """
    from distributed import get_worker

    worker = get_worker()
    start = time.perf_counter()
    try:
        function, probe = pickle.loads(work)  # noqa: S301 - from the client, as all that Dask brings
        tasks = pickle.loads(batch)  # noqa: S301
        with _station(worker.address, jobs=worker.state.nthreads, probe=probe) as station:
            nature = station.nature(run, probe)
            if expected is not None and _difference(expected, nature):
                return _Done(worker.address, nature)
            began = time.perf_counter()
            outcomes = [
                replace(station.crew.call(function, item, timeout=timeout, wait=_START_SECONDS), index=index)
                for index, item in tasks
            ]
    except (GenreclfError, OSError, ImportError, AttributeError) as error:
        return _Done(worker.address, trouble=one_line(error), seconds=time.perf_counter() - start)
    return _Done(worker.address, nature, tuple(outcomes), time.perf_counter() - began)


class _Station:
    """The processes of one Dask worker, one for each of its threads, and what it has reported of itself."""

    def __init__(self, jobs: int, probe: Probe) -> None:
        # A nanny starts its worker as a daemon, which may have no children lest they outlive it; a crew never does.
        multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # noqa: SLF001
        self.crew = Crew(jobs, warm=probe)
        self.crew.__enter__()
        self.users = 0
        self.idle: threading.Timer | None = None
        self._natures: dict[str, Mapping[str, str]] = {}
        self._probing = threading.Lock()

    def nature(self, run: str, probe: Probe) -> Mapping[str, str]:
        """What the worker reports of itself, found once for each run."""
        with self._probing:
            if run not in self._natures:
                outcome = self.crew.call(probe, None, timeout=_START_SECONDS)
                if outcome.value is None:
                    raise GenreclfError(f"it cannot describe a test sound: {outcome.error}")
                self._natures = {run: outcome.value}
            return self._natures[run]


_stations: dict[str, _Station] = {}
_opening = threading.Lock()


@contextmanager
def _station(address: str, *, jobs: int, probe: Probe) -> Iterator[_Station]:
    """The station of a Dask worker, which is kept for its next batch, and closed where that does not come."""
    with _opening:
        if not _stations:
            Finalize(None, _close, exitpriority=10)
        if address not in _stations:
            _stations[address] = _Station(jobs, probe)
        station = _stations[address]
        station.users += 1
        if station.idle is not None:
            station.idle.cancel()
    try:
        yield station
    finally:
        with _opening:
            station.users -= 1
            if not station.users:
                station.idle = threading.Timer(_IDLE_SECONDS, _close_idle, (address,))
                station.idle.daemon = True
                station.idle.start()


def _close_idle(address: str) -> None:
    with _opening:
        if address in _stations and not _stations[address].users:
            _stations.pop(address).crew.__exit__(None, None, None)


def _close() -> None:
    """End every process of this one's stations, before Python waits for its children."""
    for address in list(_stations):
        _stations.pop(address).crew.__exit__(None, None, None)
