"""Cases: each runs in a process of its own, so that a crash or a hang is counted and the attack goes on."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

KINDS_OF_FAULT = ("crash", "hang", "wrong value", "lost row", "escape")
_GRACE = 5.0  # seconds in which the processes that a case has started must end


class Fault(Exception):  # noqa: N818 - of the project, not of this program
    """What must not be: one of `KINDS_OF_FAULT`, and what happened."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(kind, what)
        self.kind, self.what = kind, what


def check(holds: Any, kind: str, what: str) -> None:
    """Raise a `Fault` unless something holds."""
    if not holds:
        raise Fault(kind, what)


def isolated(work: Callable[[], Any], *, seconds: float, temporary: Path) -> dict[str, Any]:
    """Do a piece of work in a forked process, the leader of a group that is ended with it.

    Parameters
    ----------
    work : what it returns must be JSON.
    seconds : it is a hang when it takes longer.
    temporary : where it puts temporary files.

    Returns
    -------
    ``value``, or ``fault`` (kind and text).
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        os.setsid()
        _answer(work, theirs, temporary)
    os.close(theirs)
    try:
        answer = _read_all(ours, time.monotonic() + seconds)
    finally:
        os.close(ours)
    if answer is None:
        _kill(child)
        os.waitpid(child, 0)
        return {"fault": ("hang", f"no end within {seconds:g} s")}
    status = os.waitpid(child, 0)[1]
    left = _survivors(child)
    _kill(child)
    if not answer:
        return {"fault": ("crash", f"the process ended with {os.waitstatus_to_exitcode(status)} without an answer")}
    result: dict[str, Any] = json.loads(answer)
    if left and "fault" not in result:
        return {"fault": ("escape", f"processes are left: {left}")}
    return result


def _answer(work: Callable[[], Any], theirs: int, temporary: Path) -> None:
    """In the child: work, send what came of it, and end."""
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
        for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
            stream.flush()
            os.dup2(os.open(temporary.with_suffix(f".{descriptor}"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        try:
            result: dict[str, Any] = {"value": work()}
        except Fault as fault:
            result = {"fault": (fault.kind, fault.what)}
        except BaseException:  # noqa: BLE001 - that there is any is what is counted
            result = {"fault": ("crash", " | ".join(traceback.format_exc().strip().splitlines()[-4:]))}
        os.write(theirs, json.dumps(result).encode())
    finally:
        os._exit(0)


def _read_all(descriptor: int, deadline: float) -> bytes | None:
    """Everything up to the end; None where that does not come in time."""
    held = b""
    while select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
        block = os.read(descriptor, 1 << 16)
        if not block:
            return held
        held += block
        if held.endswith(b"}"):  # what the case has started may keep the pipe open
            with contextlib.suppress(ValueError):
                json.loads(held)
                return held
    return None


def _survivors(group: int) -> list[str]:
    """Names of the group's processes that do not end of themselves."""
    deadline = time.monotonic() + _GRACE
    while names := _members(group):
        if time.monotonic() > deadline:
            return names
        time.sleep(0.02)
    return []


def _members(group: int) -> list[str]:
    names = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, rest = status.read_text().rsplit(")", 1)
            if rest.split()[2] == str(group) and rest.split()[0] != "Z":
                names.append(name.split("(", 1)[1])
    return names


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
