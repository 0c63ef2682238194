"""Many labels a track: tags, such as instruments, moods, or genres that overlap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genreclf.tasks.task import Task


def _benchmark() -> Callable[..., Any]:
    from genreclf.evaluation.multilabel.benchmark import benchmark_tags

    return benchmark_tags


def _train() -> Callable[..., Any]:
    from genreclf.tag_training import train_tags

    return train_tags


def _report() -> Callable[..., None]:
    from genreclf.reports.tags_page import write_tag_report

    return write_tag_report


MULTI_LABEL = Task(
    name="multi-label",
    labels="tags",
    benchmark=_benchmark,
    train=_train,
    report=_report,
    columns={
        "ROC AUC": "macro_roc_auc",
        "average precision": "macro_average_precision",
        "macro-F1": "macro_f1",
        "micro-F1": "micro_f1",
        "LRAP": "lrap",
        "P@1": "precision_at_1",
        "P@3": "precision_at_3",
    },
)
