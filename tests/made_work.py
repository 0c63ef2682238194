"""Work for worker processes; it stands in a module of its own so that they can import it."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from genreclf.errors import TrackError


def refuse() -> None:
    raise TrackError("too-short", "lasts 0.01 s")


def fault() -> None:
    raise ZeroDivisionError("a fault\nin two lines")


def print_as_decoders_do() -> None:
    for descriptor in (1, 2):
        os.write(descriptor, b"a decoder's words\n")
    print("ours", file=sys.stderr)


def clear_temporary_files() -> None:
    for folder in Path(tempfile.gettempdir()).glob("genreclf-*"):
        shutil.rmtree(folder)


DEEDS = {
    "refuse": refuse,
    "fault": fault,
    "die": lambda: ctypes.string_at(0),
    "hang": lambda: time.sleep(60),
    "print": print_as_decoders_do,
    "clear": clear_temporary_files,
    "process": os.getpid,
    "threads": lambda: os.environ.get("OMP_NUM_THREADS"),
}


def act(deed: object) -> object:
    """Do what the item says: return, raise, die, or hang; what it says itself where nothing comes of it."""
    came = DEEDS[deed]() if isinstance(deed, str) and deed in DEEDS else None
    return deed if came is None else came
