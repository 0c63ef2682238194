"""One label a track: its genre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genreclf.tasks.task import Task


def _benchmark() -> Callable[..., Any]:
    from genreclf.evaluation.benchmark import benchmark

    return benchmark


def _train() -> Callable[..., Any]:
    from genreclf.training import train

    return train


def _report() -> Callable[..., None]:
    from genreclf.reports import write_report

    return write_report


SINGLE_LABEL = Task(
    name="single-label",
    labels="genre",
    benchmark=_benchmark,
    train=_train,
    report=_report,
)
