"""Standard error, kept clean of what decoders written in C say of damaged files.

They write straight to the process's descriptor, so that is what has to be turned away for as long as they work. What
is wrong with a file is told by an error all the same.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DESCRIPTOR = 2


class _Diversion:
    """How many are at work under it, and a copy of what the descriptor was, or -1."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.saved = -1


_diversion = _Diversion()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing that C code writes to standard error is seen while this, in any thread, is entered."""
    with _diversion.lock:
        if not _diversion.users:
            _diversion.saved = _divert()
        _diversion.users += 1
    try:
        yield
    finally:
        with _diversion.lock:
            _diversion.users -= 1
            if not _diversion.users and _diversion.saved >= 0:
                os.dup2(_diversion.saved, _DESCRIPTOR)
                os.close(_diversion.saved)


def _divert() -> int:
    """Point the descriptor at nothing; return a copy of what it was, or -1 where there is no standard error."""
    if sys.__stderr__ is None:
        # It was closed from the start: the descriptor is some other file by now, perhaps the one that is being read.
        return -1
    try:
        saved = os.dup(_DESCRIPTOR)
    except OSError:
        return -1
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, _DESCRIPTOR)
    os.close(nothing)
    return saved
