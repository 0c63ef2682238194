"""Work in this process where worker processes would be started, which takes most of the time of small examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from genreclf import workers


def without_workers(setattr: Callable[[object, str, object], None] = setattr) -> None:  # noqa: A002
    """Do without worker processes from now on; a test passes `monkeypatch.setattr`."""
    setattr(workers, "_round", _in_this_process)
    setattr(workers, "_can_fork", lambda: False)
    setattr(workers, "_settle", lambda: None)


def _in_this_process(function: Any, queue: Iterator[Any], waiting: dict[int, Any], **options: Any) -> Iterator[Any]:
    """A round of work."""
    for index, item in queue:
        waiting[index] = item
        yield workers._guarded(function, index, item, options["timeout"], options["claims"])
