"""Forking: a process is copied only where no other thread is inside a library that holds a lock.

A forked process has one thread. A lock that another thread held at that moment, such as the one of pocketfft's plans or
of soundfile's errors, is never released there, and the first call that needs it waits for ever. So whoever forks waits
until the calls that are under way have ended, a tenth of a second or so, and those to come wait until it has forked.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Gate:
    """What threads pass side by side, and a fork alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._forking = 0
        self._own = threading.local()

    @property
    def _depth(self) -> int:
        """How many passages the current thread is in, one within another."""
        return getattr(self._own, "depth", 0)

    @contextmanager
    def passage(self) -> Iterator[None]:
        with self._changed:
            if not self._depth:
                self._changed.wait_for(lambda: not self._forking)
            self._inside += 1
            self._own.depth = self._depth + 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._own.depth = self._depth - 1
                self._changed.notify_all()

    def before_fork(self) -> None:
        self._changed.acquire()
        self._forking += 1
        self._changed.wait_for(lambda: self._inside == self._depth)

    def after_fork(self) -> None:
        """In the parent."""
        self._forking -= 1
        self._changed.notify_all()
        self._changed.release()

    def renew(self) -> None:
        """In the child, where the other threads are gone."""
        self._changed = threading.Condition()
        self._inside, self._forking = self._depth, 0


_GATE = _Gate()

unforked = _GATE.passage
"""A context in which no other thread forks."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_GATE.before_fork, after_in_parent=_GATE.after_fork, after_in_child=_GATE.renew)
