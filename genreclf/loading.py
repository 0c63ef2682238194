"""Loading: a model file becomes what predicts with it, by the task that the model was trained for."""

from __future__ import annotations

from pathlib import Path

from genreclf.errors import RequestError
from genreclf.models.bundle.bundle import Bundle
from genreclf.prediction import Predictor
from genreclf.tag_prediction import TagPredictor

PREDICTORS: dict[str, type[Predictor]] = {"single-label": Predictor, "multi-label": TagPredictor}


def load(
    path: str | Path,
    *,
    min_confidence: float | None = None,
    coverage: float | None = None,
    set_coverage: float | None = None,
    jobs: int | None = None,
    task: str | None = None,
) -> Predictor:
    """Load a trained model of any task.

    Parameters
    ----------
    task : the task that the model must be for; None takes any.
    min_confidence, coverage, set_coverage, jobs : see `genreclf.prediction.Predictor`.

    Raises
    ------
    RequestError : the file cannot be used, see `Bundle.load`, or an option makes no sense for it.
    """
    bundle = Bundle.load(path)
    if task not in (None, bundle.manifest.task):
        raise RequestError(f"{path}: a {bundle.manifest.task} model; this needs a {task} one")
    shares = {"min_confidence": min_confidence, "coverage": coverage, "set_coverage": set_coverage}
    predictor = PREDICTORS[bundle.manifest.task](bundle, **shares, jobs=jobs)
    _ = predictor.threshold  # what makes no sense is refused before work begins
    return predictor
