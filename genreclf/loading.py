"""Loading: a model file becomes what predicts with it, by the task that the model was trained for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from genreclf.errors import RequestError
from genreclf.models.bundle.bundle import Bundle
from genreclf.prediction import TrackPredictor
from genreclf.tag_prediction import TagPredictor

PREDICTORS: dict[str, type[TrackPredictor]] = {"single-label": TrackPredictor, "multi-label": TagPredictor}


def load(
    path: str | Path,
    *,
    min_confidence: float | None = None,
    coverage: float | None = None,
    set_coverage: float | None = None,
    jobs: int | None = None,
    task: str | None = None,
    deferred: bool = True,
    predictors: Mapping[str, type[TrackPredictor]] = PREDICTORS,
) -> TrackPredictor:
    """Open a trained model of any task, whose estimator is built when it is first needed.

    So the libraries of the model load while workers describe the first tracks. Until then nothing needs scikit-learn.

    Parameters
    ----------
    min_confidence, coverage, set_coverage, jobs : see `genreclf.prediction.TrackPredictor`.
    task : that the model must be for; None takes any.
    deferred : False builds the estimator at once.
    predictors : what predicts, by task.

    Raises
    ------
    RequestError : the file cannot be used, see `Bundle.load`, or an option makes no sense for it.
    """
    bundle = Bundle.load(path, deferred=deferred)
    if task not in (None, bundle.manifest.task):
        raise RequestError(f"{path}: a {bundle.manifest.task} model; this needs a {task} one")
    shares = {"min_confidence": min_confidence, "coverage": coverage, "set_coverage": set_coverage}
    return predictors[bundle.manifest.task](bundle, **shares, jobs=jobs).checked()
