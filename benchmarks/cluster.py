"""Extraction on a Dask cluster with a made-up decoder that sleeps: what one scheduler carries, and what kills cost.

    python benchmarks/cluster.py throughput              # 1, 2, 4, 8 local workers, each with its process
    python benchmarks/cluster.py limit                   # ever more simulated workers, until the rate grows no more
    python benchmarks/cluster.py kills --runs 20         # workers, scheduler and client killed in turn
    python benchmarks/cluster.py churn                   # 100,000 tracks, 64 workers, a third killed again and again
    python benchmarks/cluster.py overhead FOLDER         # real music: --cluster local:2 beside --jobs 2

A simulated worker is a Dask worker with one thread; a host is a process with some of them, so that two cores can stand
for many: they speak to the scheduler as any others do, and only what they do with a track, sleeping, is not the real
thing. Scheduler, hosts and client are processes of their own, and a kill is SIGKILL. Tables have 185 features.
The exit code is 1 if a row is lost, stands twice or is another than it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from genreclf import cluster
from genreclf.cluster import connected, run_on
from genreclf.datasets.manifest import Track
from genreclf.features import FEATURE_SETS
from genreclf.tables.store import TableStore
from genreclf.workers import Outcome, Stop

COLUMNS = FEATURE_SETS["study"].columns
META = {"feature_set": "study", "parameters": {}, "columns": list(COLUMNS), "versions": {}}
# What Dask watches of itself would cost more than the simulated work, as many workers share a machine here.
QUIET = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "600s",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "5s",
}
TRACK_SECONDS = 0.07  # that describing a clip takes


def describe(track: Track, *, seconds: float) -> tuple[float, ...]:
    """The made-up decoder: a row that follows from the track's name, after a while."""
    time.sleep(seconds)
    return tuple(np.random.default_rng(int(track.track_id)).standard_normal(len(COLUMNS)).tolist())


def probe(_: None) -> dict[str, str]:
    return {"made-up decoder": "1"}


def tracks(number: int) -> list[Track]:
    return [Track(f"{i:08d}", Path(f"/music/{i:08d}.mp3"), f"{i:08d}.mp3", "rock") for i in range(number)]


def keep(todo: list[Track], outcomes: Iterable[Outcome], store: TableStore) -> list[float]:
    """Write the rows; the time of each."""
    times = []
    for outcome in outcomes:
        track = todo[outcome.index]
        digest = f"{int(track.track_id):020x}"
        store.append((track.track_id, track.genre, "", "", "", "", track.name, digest), outcome.value)
        store.seen[track.name] = (1, 1, digest)
        times.append(time.perf_counter())
    return times


def rate(times: list[float]) -> float:
    """Rows a second between the first tenth and the last."""
    first, last = len(times) // 10, len(times) - len(times) // 10 - 1
    return (last - first) / (times[last] - times[first]) if last > first else 0.0


def extract(client, path: Path, number: int, seconds: float) -> dict[str, float]:
    """What `genreclf.extract` does, but for reading the source and its files; figures about it."""
    start, began = time.perf_counter(), time.process_time()
    with TableStore(path, features=COLUMNS, meta=META) as store, Stop() as stop:
        todo = [track for track in tracks(number) if track.track_id not in store.rows]
        here = import_module(Path(__file__).stem)  # by name, as the package's functions travel, not by their code
        outcomes = run_on(client, partial(here.describe, seconds=seconds), todo, probe=here.probe, stop=stop)
        times = keep(todo, outcomes, store)
        done, cpu = time.perf_counter() - start, time.process_time() - began
        store.finish()
    return {
        "tracks": len(times),
        "seconds": done,
        "tracks_per_s": rate(times),
        "cpu_ms_per_track": 1e3 * cpu / max(len(times), 1),
        "peak_MB": peak_memory() / 1e6,
    }


def peak_memory() -> int:
    """Bytes; `resource.getrusage` would count what the process was that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def right_table(path: Path, number: int) -> bytes:
    """The bytes of the table that an undisturbed run on one machine writes."""
    outcomes = (Outcome(i, describe(track, seconds=0), None, 0.0) for i, track in enumerate(tracks(number)))
    with TableStore(path, features=COLUMNS, meta=META) as store:
        keep(tracks(number), outcomes, store)
        store.finish()
    return path.read_bytes()


class SleepingCrew:
    """In the place of a crew's processes: the thread of the simulated worker, as all that it does is to sleep."""

    def __init__(self, jobs: int, *, warm: object) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, function, item, **_: float) -> Outcome:
        """Call the function here."""
        return Outcome(0, function(item), None, 0.0)


def host(options: argparse.Namespace) -> None:
    """A process with some simulated workers, until it is ended."""
    from distributed import Worker

    cluster.Crew = SleepingCrew  # type: ignore[misc, assignment]

    async def run() -> None:
        workers = [
            Worker(options.address, nthreads=1, dashboard_address=None, heartbeat_interval="5s", memory_limit=0)
            for _ in range(options.workers)
        ]
        await asyncio.gather(*workers)
        await asyncio.gather(*(worker.finished() for worker in workers))

    asyncio.run(run())


class Scene:
    """A scheduler and hosts of simulated workers, as processes that can be killed and started again."""

    def __init__(self, hosts: int, workers: int) -> None:
        self._workers = workers
        self._folder = tempfile.TemporaryDirectory(prefix="genreclf-cluster-")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]  # the same for a scheduler that is started again
        self.address = f"tcp://127.0.0.1:{self._port}"
        self.scheduler = self._start_scheduler()
        self.hosts = [self._start_host() for _ in range(hosts)]

    def __enter__(self):
        from distributed import Client

        with Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(self._workers * len(self.hosts), timeout=300)
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.hosts, self.scheduler]:
            process.kill()
            process.wait()
        self._folder.cleanup()

    def _start(self, *arguments: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, *map(str, arguments)],
            cwd=self._folder.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | QUIET,
        )

    def _start_scheduler(self) -> subprocess.Popen[bytes]:
        options = ("--host", "127.0.0.1", "--port", self._port, "--no-dashboard", "--no-show")
        return self._start("-m", "distributed.cli.dask_scheduler", *options)

    def _start_host(self) -> subprocess.Popen[bytes]:
        return self._start(Path(__file__).resolve(), "host", self.address, "--workers", self._workers)

    def client(self, path: Path, number: int, seconds: float) -> subprocess.Popen[str]:
        """A client that extracts into a table and prints its figures."""
        arguments = ("client", self.address, path, "--tracks", number, "--seconds", seconds)
        command = [sys.executable, str(Path(__file__).resolve()), *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603

    def kill_hosts(self, share: float, chance: random.Random) -> int:
        """Kill a share of the hosts, and start as many others; the number of workers that were lost."""
        dead = chance.sample(range(len(self.hosts)), max(1, round(share * len(self.hosts))))
        for number in dead:
            self.hosts[number].kill()
            self.hosts[number].wait()
        for number in dead:
            self.hosts[number] = self._start_host()
        return len(dead) * self._workers

    def kill_scheduler(self) -> None:
        """Kill the scheduler, and start it again at the same address with new hosts."""
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self._start_scheduler()
        self.kill_hosts(1.0, random.Random(0))  # noqa: S311 - all of them


def client(options: argparse.Namespace) -> None:
    with connected(options.address) as found:
        assert found is not None
        json.dump(extract(found, options.table, options.tracks, options.seconds), sys.stdout)


def faults(path: Path, right: bytes) -> Counter[str]:
    """Rows lost, standing twice, and other than they should be."""
    ids = Counter(line.split(b",", 1)[0] for line in path.read_bytes().splitlines()[1:])
    wanted = {line.split(b",", 1)[0] for line in right.splitlines()[1:]}
    return Counter(
        lost=len(wanted - ids.keys()), doubled=sum(ids.values()) - len(ids), different=path.read_bytes() != right
    )


def throughput(options: argparse.Namespace) -> list[dict[str, object]]:
    rows = []
    for number in options.workers:
        with tempfile.TemporaryDirectory() as folder, connected(f"local:{number}") as found:
            assert found is not None
            extract(found, Path(folder) / "warm.csv", 40 * number, options.seconds)
            row = extract(
                found, Path(folder) / "t.csv", int(number * options.duration / options.seconds), options.seconds
            )
        ideal = number / options.seconds
        overhead = number / row["tracks_per_s"] - options.seconds
        rows.append({"workers": number} | row | {"ideal": ideal, "overhead_ms": 1e3 * overhead})
        show(rows[-1])
    return rows


def limit(options: argparse.Namespace) -> list[dict[str, object]]:
    rows = []
    for number in options.workers:
        hosts = max(1, number // 64)
        with tempfile.TemporaryDirectory() as folder, Scene(hosts, number // hosts) as scene:
            ideal = min(number / options.seconds, 3000)
            before = cpu_seconds(scene.scheduler.pid)
            process = scene.client(Path(folder) / "t.csv", int(options.duration * ideal), options.seconds)
            out, errors = process.communicate()
            sys.stderr.write(errors)
            row = json.loads(out)
            spent = cpu_seconds(scene.scheduler.pid) - before
        scheduler = {"scheduler_cpu_ms_per_track": 1e3 * spent / row["tracks"]}
        rows.append({"workers": number} | row | {"ideal": number / options.seconds} | scheduler)
        show(rows[-1])
    return rows


def kills(options: argparse.Namespace) -> int:
    chance = random.Random(options.seed)  # noqa: S311 - when to kill is no secret
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, Scene(4, 2) as scene:
        right = right_table(Path(folder) / "right.csv", options.tracks)
        for run in range(options.runs):
            path = Path(folder) / f"{run}" / "t.csv"
            what = ("workers", "scheduler", "client")[run % 3]
            total[f"{what} killed"] += 1
            ends = killed(scene, what, path, options, chance)
            found = faults(path, right)
            total.update(found)
            show({"run": run, "killed": what, "clients": ends} | found)
    show(dict(total))
    return int(any(total[name] for name in ("lost", "doubled", "different")))


def killed(scene: Scene, what: str, path: Path, options: argparse.Namespace, chance: random.Random) -> int:
    """One run with kills, taken up again until it is complete; how often a client was started."""
    for start in range(1, 20):
        process = scene.client(path, options.tracks, options.seconds)
        for _ in range(3 if start == 1 else 0):
            wait_for_rows(path, chance.randint(1, options.tracks // 4), process)
            if what == "client":
                process.kill()
            elif what == "scheduler":
                scene.kill_scheduler()
                break
            else:
                scene.kill_hosts(1 / 3, chance)
        process.communicate()
        if process.returncode == 0:
            return start
    raise RuntimeError("the run does not end")


def wait_for_rows(path: Path, more: int, process: subprocess.Popen[str]) -> None:
    """Until so many rows more stand in a table, or the client has ended."""
    size = path.stat().st_size if path.exists() else 0
    while process.poll() is None and (path.stat().st_size if path.exists() else 0) < size + more * 3_800:
        time.sleep(0.02)


def churn(options: argparse.Namespace) -> int:
    chance = random.Random(options.seed)  # noqa: S311 - when to kill is no secret
    with tempfile.TemporaryDirectory() as folder, Scene(16, 4) as scene:
        right = right_table(Path(folder) / "right.csv", options.tracks)
        path = Path(folder) / "t.csv"
        process = scene.client(path, options.tracks, options.seconds)
        wait_for_rows(path, 1000, process)
        lost = rounds = 0
        while True:
            try:
                out, errors = process.communicate(timeout=options.every)
                break
            except subprocess.TimeoutExpired:
                lost += scene.kill_hosts(1 / 3, chance)
                rounds += 1
        sys.stderr.write(errors)
        found = faults(path, right)
        show({"kills": rounds, "workers_killed": lost} | (json.loads(out) if out else {}) | found)
    return int(any(found.values()))


def overhead(options: argparse.Namespace) -> None:
    """CPU and wall seconds of both commands on the same music, in turn."""
    for turn in range(options.turns):
        ways = [["--jobs", "2"], ["--cluster", "local:2"]]
        for way in ways if turn % 2 == 0 else ways[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "genreclf", "extract", options.source, "-o", f"{folder}/t.csv", *way]
                command += ["--feature-set", "study"]
                start = time.perf_counter()
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
                spent: dict[int, float] = {}
                while process.poll() is None:
                    spent |= cpu_of_session(process.pid)
                    time.sleep(0.5)
                rows = Path(f"{folder}/t.csv").read_bytes().count(b"\n") - 1
            seconds = time.perf_counter() - start
            show({"command": " ".join(way), "rows": rows, "seconds": seconds, "cpu_seconds": sum(spent.values())})


def cpu_of_session(session: int) -> dict[int, float]:
    """CPU seconds of each process of a session, those that have ended being left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and os.getsid(int(entry.name)) == session:
                found[int(entry.name)] = cpu_seconds(int(entry.name))
        except OSError:
            continue
    return found


def cpu_seconds(process: int) -> float:
    cells = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")


def show(row: dict[str, object]) -> None:
    plain = {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}
    sys.stdout.write(json.dumps(plain) + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)

    def command(function, **defaults: object) -> argparse.ArgumentParser:
        found = commands.add_parser(function.__name__)
        found.set_defaults(function=function)
        for name, default in defaults.items():
            found.add_argument(f"--{name}", type=type(default), default=default)
        return found

    for function, numbers in ((throughput, [1, 2, 4, 8]), (limit, [16, 64, 128, 256])):
        few = command(function, seconds=TRACK_SECONDS, duration=20.0)
        few.add_argument("--workers", type=int, nargs="+", default=numbers)
    command(kills, runs=20, tracks=3000, seconds=0.02, seed=0)
    command(churn, tracks=100_000, seconds=TRACK_SECONDS, every=20.0, seed=0)
    command(overhead, turns=1).add_argument("source")
    command(host, workers=1).add_argument("address")
    one = command(client, tracks=0, seconds=TRACK_SECONDS)
    one.add_argument("address")
    one.add_argument("table", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found = options.function(options)
    return found if isinstance(found, int) else 0


if __name__ == "__main__":
    sys.exit(main())
