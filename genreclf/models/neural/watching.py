"""Watching: who sees the loss of each epoch, and where checkpoints lie, for all trainings within a block.

Both are the caller's business and not a classifier's parameters: a copy of a classifier must not carry them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from genreclf.progress import SILENT, Progress


@dataclass(frozen=True)
class Watch:
    """What trainings report to.

    Parameters
    ----------
    progress : is shown a stage for each training and a step for each epoch.
    folder : of checkpoints; None keeps none.
    """

    progress: Progress = SILENT
    folder: Path | None = None


_NOBODY = Watch()
_WATCH: ContextVar[Watch] = ContextVar("watch", default=_NOBODY)


def watch() -> Watch:
    """What the trainings of this block report to."""
    return _WATCH.get()


@contextmanager
def watched(progress: Progress) -> Iterator[None]:
    """Show the trainings of the block."""
    token = _WATCH.set(Watch(progress, _WATCH.get().folder))
    try:
        yield
    finally:
        _WATCH.reset(token)


@contextmanager
def resumable(output: Path) -> Iterator[None]:
    """Keep checkpoints beside an output until the block has made it; when it is stopped they stay for the next run.

    They lie in the folder ``OUTPUT.checkpoints``, a file for each training, which is known by what it is trained on.
    """
    folder = output.with_name(f"{output.name}.checkpoints")
    token = _WATCH.set(Watch(_WATCH.get().progress, folder))
    try:
        yield
    finally:
        _WATCH.reset(token)
    for path in folder.glob("*.pt"):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
