"""Each call that writes, failed, cut short, or made the last: no row is lost, no file is half old and half new.

As SQLite tests its commits. A library that is loaded before libc (`shim.c`, compiled when it is needed) counts the
calls below the case's folder (write, fsync, ftruncate, rename, unlink, mkdir, chmod, open to create) and strikes one.
Tables are of either kind, CSV and Parquet, whose parts have two rows here; the lines of both are compared as CSV.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attacks import tables
from attacks.cases import Fault, check
from kills import as_csv, lines_of

from genreclf import extraction
from genreclf.errors import RequestError
from genreclf.files import write_whole
from genreclf.tables import parquet_store
from genreclf.tables.conversion import convert

if TYPE_CHECKING:
    import numpy as np

CASES = 100
SECONDS = 30.0
MANNERS = ("kill before", "kill after", "fail once", "fail ever", "cut and fail", "cut and kill")
_ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS)
_LOADED = "GENRECLF_ATTACK_SHIM"
_SET = "tonnetz"  # whose parts are written quickly
_OLD, _NEW = b"old" * 70_000, b"new" * 90_000


def missing() -> str:
    return "" if _LOADED in os.environ else "there is no C compiler (cc), or no LD_PRELOAD"


def preload() -> None:
    """Start this program again with the shim before libc, where it can be compiled."""
    if _LOADED in os.environ or not sys.platform.startswith("linux") or not shutil.which("cc"):
        return
    with tempfile.TemporaryDirectory(prefix="genreclf-attack-") as folder:
        library = Path(folder) / "shim.so"
        source = Path(__file__).with_name("shim.c")
        compile_it = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        if subprocess.run(compile_it, check=False).returncode:  # noqa: S603 - our own command
            return
        environment = os.environ | {"LD_PRELOAD": str(library), _LOADED: "1"}
        again = subprocess.run([sys.executable, *sys.argv], env=environment, check=False)  # noqa: S603
    sys.exit(again.returncode)


def prepare(folder: Path) -> Path:
    os.environ.pop("LD_PRELOAD", None)  # what is started from here runs without it
    parquet_store.PART_ROWS = 2
    made = tables.prepare(folder, _SET)
    convert(made / "t.csv", made / "once" / "t.parquet")  # what every case imports is imported once
    return made


def case(rng: np.random.Generator, place: Path, made: Path, number: int) -> tuple[str, dict[str, float]]:
    start, work, judge, name = _WORKS[number % len(_WORKS)]
    path = place / name
    start(path, made)
    calls = _struck(lambda: work(path, made, -1), place, how=0, at=0, error=0)[1]
    _empty(place)
    start(path, made)
    before = lines_of(path)
    at, how = int(rng.integers(1, calls + 1)), int(rng.integers(1, len(MANNERS) + 1))
    told_ours, told_theirs = os.pipe()
    error = int(rng.choice(_ERRORS))
    ended, _ = _struck(lambda: work(path, made, told_theirs), place, how=how, at=at, error=error)
    os.close(told_theirs)
    with os.fdopen(told_ours, "rb") as told:
        rows = told.read().splitlines()
    what = f"{work.__name__} {name}, {MANNERS[how - 1]} at call {at} of {calls}"
    check(ended in ("done", "refused", "killed"), "crash", f"{what}: {ended}")
    check(("kill" in MANNERS[how - 1]) == (ended == "killed"), "crash", f"{what}: {ended}")
    judge(path, made, rows, before, what)
    return f"{MANNERS[how - 1]}: {ended}", {"calls": calls}


def _empty(place: Path) -> None:
    shutil.rmtree(place)
    place.mkdir()


def _struck(work: Callable[[], None], place: Path, *, how: int, at: int, error: int) -> tuple[str, int]:
    """Do the work in a child with one call struck: how it ended, and how many calls there were."""
    shim = ctypes.CDLL(None)
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        ended = "done"
        shim.attack_arm(os.fsencode(place), how, ctypes.c_long(at), error)
        try:
            work()
        except RequestError:
            ended = "refused"
        except BaseException as fault:  # noqa: BLE001 - a crash, whatever it is
            ended = f"{type(fault).__name__}: {fault}"
        os.write(theirs, f"{shim.attack_seen()} {ended}".encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        answer = stream.read().decode()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return "killed", 0
    if not answer:
        raise Fault("crash", f"a child ended with status {status}")
    calls, ended = answer.split(" ", 1)
    return ended, int(calls)


def _extracted(source: Path, path: Path) -> None:
    extraction.extract(source, path, feature_set=_SET)


def _nothing(path: Path, made: Path) -> None:
    """A folder without a table."""


def _table_of_others(path: Path, made: Path) -> None:
    _extracted(made / "others", path)


def _table_of_changed(path: Path, made: Path) -> None:
    """A table of which some rows are of other bytes, and some of the source of nothing."""
    _extracted(made / "others", path)
    source = Path(shutil.copytree(made / "ours", path.parent.parent / "changed", dirs_exist_ok=True))
    for number in (0, 3):
        next(source.rglob(f"ours {number}*")).write_bytes(b"before")
    _extracted(source, path)
    shutil.rmtree(source)


def _table_torn(path: Path, made: Path) -> None:
    """A table that a kill has left: its last line is torn; of Parquet no part was written before."""
    copy = tables.copied(made, path.parent)
    lines = copy.read_bytes().splitlines(keepends=True)
    torn = b"".join(lines[:6])[:-300]
    copy.write_bytes(torn)
    if path.suffix == ".parquet":
        path.mkdir()
        path.with_name(f".{path.name}.rows").write_bytes(torn)
        copy.unlink()
        copy.with_suffix(".json").rename(f"{path}.json")


def _extract(path: Path, made: Path, told: int) -> None:
    """Extraction, which tells every row that stands in the table once it does."""
    store = extraction.TableStore
    append = store.append

    def append_and_tell(self, identity, values) -> None:
        append(self, identity, values)
        if told >= 0:
            os.write(told, f"{identity[0]}\n".encode())

    store.append = append_and_tell  # type: ignore[method-assign]
    _extracted(made / "ours", path)


def _judge_table(path: Path, made: Path, told: list[bytes], before: list[bytes], what: str) -> None:
    """Rows that were told stand there; the same command once more gives what an undisturbed one gives."""
    right = (made / "t.csv").read_bytes().splitlines()
    there = lines_of(path)
    lost = [row for row in told if not any(line.startswith((row + b",", b'"' + row + b'",')) for line in there)]
    check(not lost, "lost row", f"{what}: {lost[:3]}")
    stood = set(before) & set(right)
    check(stood <= set(there), "lost row", f"{what}: {len(stood - set(there))} rows that stood before")
    _extracted(made / "ours", path)
    after = as_csv(path).splitlines()
    wanted = [line for line in right if line in after or b"others" not in line]
    check(after == wanted, "wrong value", f"{what}: completed, the table is another")
    check(stood <= set(after), "lost row", f"{what}: completed, and rows of another source are gone")
    left = [p.name for p in path.parent.iterdir() if p.name.endswith(".part") and not p.name.startswith(".genreclf-")]
    check(not left, "escape", f"{what}: left {left}")


def _old_file(path: Path, made: Path) -> None:
    path.write_bytes(_OLD)


def _write(path: Path, made: Path, told: int) -> None:
    write_whole(path, _NEW)


def _judge_file(path: Path, made: Path, told: list[bytes], before: list[bytes], what: str) -> None:
    check(path.read_bytes() in (_OLD, _NEW), "wrong value", f"{what}: neither old nor new")


_STARTS = (_nothing, _table_of_others, _table_of_changed, _table_torn)
_WORKS = (
    *((start, _extract, _judge_table, name) for name in ("t.csv", "t.parquet") for start in _STARTS),
    (_old_file, _write, _judge_file, "file"),
)
