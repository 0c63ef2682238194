"""What the workers of a service under test do: some bodies break them."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path


def act(path: Path, *, work):
    """Describe a file; one that begins with DIE or HANG kills the worker or never ends."""
    head = path.read_bytes()[:8000]
    if b"DIE" in head:
        ctypes.string_at(0)
    if b"HANG" in head:
        time.sleep(600)
    return work(path)
