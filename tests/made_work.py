"""Work for worker processes; it stands in a module of its own so that they can import it."""

from __future__ import annotations

import ctypes
import os
import sys
import time

from genreclf.errors import TrackError


def act(deed: object) -> object:
    """Do what the item says: return, raise, die, or hang."""
    if deed == "refuse":
        raise TrackError("too-short", "lasts 0.01 s")
    if deed == "fault":
        raise ZeroDivisionError("a fault\nin two lines")
    if deed == "die":
        ctypes.string_at(0)
    if deed == "hang":
        time.sleep(60)
    if deed == "print":
        for descriptor in (1, 2):
            os.write(descriptor, b"a decoder's words\n")
        print("ours", file=sys.stderr)
    if deed == "process":
        return os.getpid()
    if deed == "threads":
        return os.environ.get("OMP_NUM_THREADS")
    return deed
