"""One label a track: its genre."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from genreclf.tasks.task import Task


def _benchmark() -> Callable[..., Any]:
    from genreclf.evaluation.benchmark import benchmark

    return benchmark


def _train() -> Callable[..., Any]:
    from genreclf.training import train

    return train


def _write_report(comparison: Any, folder: Path) -> None:  # noqa: ANN401 - of the task's own type
    from genreclf.reports import write_report

    write_report(comparison, folder)


SINGLE_LABEL = Task(
    name="single-label",
    labels="genre",
    benchmark=_benchmark,
    train=_train,
    write_report=_write_report,
    columns={"macro-F1": "macro_f1", "accuracy": "accuracy"},
)
