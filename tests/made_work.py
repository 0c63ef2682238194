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


def report(_: None, *, version: str) -> dict[str, str]:
    """What a worker reports of itself."""
    return {"numpy": version, "a sound": "1f"}


def report_in_turn(_: None, *, folder: Path) -> dict[str, str]:
    """What a worker reports of itself: the first process to do so something else than all others."""
    first = folder / "first"
    try:
        first.touch(exist_ok=False)
    except FileExistsError:
        return {"numpy": "1" if first.read_text() == str(os.getpid()) else "2"}
    first.write_text(str(os.getpid()))
    return {"numpy": "1"}


def end_the_dask_worker(deed: object) -> object:
    """Kill the Dask worker whose crew this process belongs to; anything but ``lose`` is given back."""
    if deed == "lose":
        os.kill(os.getppid(), 9)
        time.sleep(60)
    return deed
