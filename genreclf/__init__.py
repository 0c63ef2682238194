"""genreclf: tells music genres apart with classical machine learning, on a CPU.

The way of the data: a data set gives a manifest, audio becomes one row of features a track, rows are kept in a
feature table, an evaluation compares models on it, and a report shows the comparison.

Everything public is imported when it is first used, so that ``import genreclf`` stays quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "GenreclfError": "genreclf.errors",
    "RequestError": "genreclf.errors",
    "TrackError": "genreclf.errors",
    "FeatureTable": "genreclf.table",
    "Comparison": "genreclf.evaluation.comparison",
    "benchmark": "genreclf.evaluation.benchmark",
    "compare_runs": "genreclf.reports.versus",
    "describe": "genreclf.features",
    "extract_features": "genreclf.features",
    "inspect_track": "genreclf.inspection",
    "AudioFeatures": "genreclf.transformer",
    "train": "genreclf.training",
    "Bundle": "genreclf.models.bundle",
    "load": "genreclf.prediction",
    "Predictor": "genreclf.prediction",
    "build_index": "genreclf.similarity",
    "Index": "genreclf.similarity",
    "retrieval": "genreclf.evaluation.retrieval",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the keys are texts


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module 'genreclf' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
