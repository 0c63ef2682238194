"""Standard output and standard error, kept for what Python writes.

Decoders written in C report damage on the process's descriptors 1 and 2, where results and progress are. What is wrong
with a file is told by an error all the same. A process of our own, a worker or the command line, turns them away once,
as it starts. In a caller's process the descriptors are the caller's: nothing is done to them there.

Where nobody reads standard output any more, as after ``| head``, the process ends quietly with 141, as one that SIGPIPE
ends; where it is on a full disk, that is an error. Messages on standard error that cannot be written are dropped.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from genreclf.errors import RequestError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NOBODY_READS = 141


def open_closed_streams() -> None:
    """Point what the caller has closed of descriptors 0, 1 and 2 at nothing.

    No file opened later, here or in a worker, gets them then.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - open to the end


def silence_decoders() -> ExitStack:
    """From now on C code writes nowhere, and ``sys.stdout`` and ``sys.stderr`` to where they did.

    Returns
    -------
    What undoes it when it is closed.
    """
    undo = ExitStack()
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        with suppress(OSError):  # closed: there is nothing to keep, and the descriptor may be some other file's by now
            if isinstance(stream, io.TextIOWrapper) and stream.fileno() == descriptor:
                _divert(name, stream, undo)
    return undo


def _divert(name: str, stream: io.TextIOWrapper, undo: ExitStack) -> None:
    """Point the stream's descriptor at nothing, and the name in `sys` at a copy of what it was."""
    descriptor = stream.fileno()
    stream.flush()
    at_once = stream.line_buffering or stream.write_through
    kept = io.TextIOWrapper(
        io.BufferedWriter(_Output(os.dup(descriptor), "w", what=name)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=at_once,
    )
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    setattr(sys, name, kept)

    def restore() -> None:
        setattr(sys, name, stream)
        os.dup2(kept.fileno(), descriptor)
        with suppress(RequestError):  # whoever wants to know has flushed it before
            kept.flush()

    undo.callback(restore)


class _Output(io.FileIO):
    """Where a standard stream writes to; after a failure, what is written is dropped."""

    def __init__(self, descriptor: int, mode: str, *, what: str) -> None:
        super().__init__(descriptor, mode)
        self._what = what
        self._failed = False

    def write(self, data: ReadableBuffer) -> int:
        try:
            if not self._failed:
                return super().write(data)
        except BrokenPipeError:
            self._failed = True
            if self._what == "stdout":
                sys.exit(_NOBODY_READS)
        except OSError as error:
            self._failed = True
            if self._what == "stdout":
                raise RequestError(f"cannot write to standard output: {error.strerror}; make room") from error
        return memoryview(data).nbytes
