"""Each call that writes, failed, cut short, or made the last: no row is lost, no file is half old and half new.

As SQLite tests its commits. A library that is loaded before libc (`shim.c`, compiled when it is needed) counts the
calls below the case's folder (write, fsync, ftruncate, rename, unlink, mkdir, chmod, open to create) and strikes one.
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

from genreclf import extraction
from genreclf.errors import RequestError
from genreclf.files import write_whole

if TYPE_CHECKING:
    import numpy as np

CASES = 250
SECONDS = 30.0
MANNERS = ("kill before", "kill after", "fail once", "fail ever", "cut and fail", "cut and kill")
_ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS)
_LOADED = "GENRECLF_ATTACK_SHIM"
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
    return tables.prepare(folder)


def case(rng: np.random.Generator, place: Path, made: Path, number: int) -> tuple[str, dict[str, float]]:
    start, work, judge = _WORKS[number % len(_WORKS)]
    start(place, made)
    calls = _struck(lambda: work(place, made, -1), place, how=0, at=0, error=0)[1]
    _empty(place)
    start(place, made)
    before = _lines(place / "t.csv")
    at, how = int(rng.integers(1, calls + 1)), int(rng.integers(1, len(MANNERS) + 1))
    told_ours, told_theirs = os.pipe()
    error = int(rng.choice(_ERRORS))
    ended, _ = _struck(lambda: work(place, made, told_theirs), place, how=how, at=at, error=error)
    os.close(told_theirs)
    with os.fdopen(told_ours, "rb") as told:
        rows = told.read().splitlines()
    what = f"{work.__name__}, {MANNERS[how - 1]} at call {at} of {calls}"
    check(ended in ("done", "refused", "killed"), "crash", f"{what}: {ended}")
    check(("kill" in MANNERS[how - 1]) == (ended == "killed"), "crash", f"{what}: {ended}")
    judge(place, made, rows, before, what)
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


def _nothing(place: Path, made: Path) -> None:
    """A folder without a table."""


def _table_of_others(place: Path, made: Path) -> None:
    extraction.extract(made / "others", place / "t.csv")


def _table_of_changed(place: Path, made: Path) -> None:
    """A table of which some rows are of other bytes, and some of the source of nothing."""
    extraction.extract(made / "others", place / "t.csv")
    source = Path(shutil.copytree(made / "ours", place.parent / "changed", dirs_exist_ok=True))
    for number in (0, 3):
        next(source.rglob(f"ours {number}*")).write_bytes(b"before")
    extraction.extract(source, place / "t.csv")
    shutil.rmtree(source)


def _table_torn(place: Path, made: Path) -> None:
    path = tables.copied(made, place)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:6])[:-300])


def _extract(place: Path, made: Path, told: int) -> None:
    """Extraction, which tells every row that stands in the table once it does."""
    store = extraction.TableStore
    append = store.append

    def append_and_tell(self, identity, values) -> None:
        append(self, identity, values)
        if told >= 0:
            os.write(told, f"{identity[0]}\n".encode())

    store.append = append_and_tell  # type: ignore[method-assign]
    extraction.extract(made / "ours", place / "t.csv")


def _judge_table(place: Path, made: Path, told: list[bytes], before: list[bytes], what: str) -> None:
    """Rows that were told stand there; the same command once more gives what an undisturbed one gives."""
    path = place / "t.csv"
    right = (made / "t.csv").read_bytes().splitlines()
    there = _lines(path)
    lost = [row for row in told if not any(line.startswith((row + b",", b'"' + row + b'",')) for line in there)]
    check(not lost, "lost row", f"{what}: {lost[:3]}")
    stood = set(before) & set(right)
    check(stood <= set(there), "lost row", f"{what}: {len(stood - set(there))} rows that stood before")
    extraction.extract(made / "ours", path)
    after = path.read_bytes().splitlines()
    wanted = [line for line in right if line in after or b"others" not in line]
    check(after == wanted, "wrong value", f"{what}: completed, the table is another")
    check(stood <= set(after), "lost row", f"{what}: completed, and rows of another source are gone")
    left = [p.name for p in place.iterdir() if p.name.endswith(".part") and not p.name.startswith(".genreclf-")]
    check(not left, "escape", f"{what}: left {left}")


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def _old_file(place: Path, made: Path) -> None:
    (place / "file").write_bytes(_OLD)


def _write(place: Path, made: Path, told: int) -> None:
    write_whole(place / "file", _NEW)


def _judge_file(place: Path, made: Path, told: list[bytes], before: list[bytes], what: str) -> None:
    check((place / "file").read_bytes() in (_OLD, _NEW), "wrong value", f"{what}: neither old nor new")


_WORKS = (
    (_nothing, _extract, _judge_table),
    (_table_of_others, _extract, _judge_table),
    (_table_of_changed, _extract, _judge_table),
    (_table_torn, _extract, _judge_table),
    (_old_file, _write, _judge_file),
)
