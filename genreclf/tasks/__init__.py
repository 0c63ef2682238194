"""Tasks: what a label is, and everything that follows from it.

`TASKS` is the one registry, with a file an entry: one genre a track (``single-label``), or many tags (``multi-label``).
An entry knows how models are compared and trained, how the outcome becomes a report, and which of its columns a
terminal shows; commands ask it and know no task themselves.
"""

from __future__ import annotations

from genreclf.errors import RequestError, nearest
from genreclf.plugins import Registry
from genreclf.tasks.multi_label import MULTI_LABEL
from genreclf.tasks.single_label import SINGLE_LABEL
from genreclf.tasks.task import Task

__all__ = ["TASKS", "Task", "find_task", "register"]

TASKS: Registry[Task] = Registry("task", Task, (SINGLE_LABEL, MULTI_LABEL), group="genreclf.tasks")
register = TASKS.register


def find_task(labels: str) -> Task:
    """The task of what the labels are: ``genre`` or ``tags``.

    Raises
    ------
    RequestError : there is none.
    """
    by_labels = {task.labels: task for task in TASKS.values()}
    if labels not in by_labels:
        raise RequestError(f"unknown labels {labels!r}; choose from {', '.join(by_labels)}{nearest(labels, by_labels)}")
    return by_labels[labels]
