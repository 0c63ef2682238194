"""Standard output and standard error, kept for what Python writes.

Decoders written in C report damage on the process's descriptors 1 and 2, where results and progress are. What is wrong
with a file is told by an error all the same. A process of our own, a worker or the command line, turns them away once,
as it starts. In a caller's process the descriptors are the caller's: nothing is done to them there.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import ExitStack, suppress


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
    kept = open(  # noqa: PTH123, SIM115 - a descriptor, open for as long as the process writes to it
        os.dup(descriptor), "w", buffering=1 if at_once else -1, encoding=stream.encoding, errors=stream.errors
    )
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    setattr(sys, name, kept)

    def restore() -> None:
        setattr(sys, name, stream)
        os.dup2(kept.fileno(), descriptor)
        kept.flush()

    undo.callback(restore)
