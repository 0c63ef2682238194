"""Loading: a model file, or the name of a network, becomes what predicts with it, by the task that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from genreclf.errors import RequestError
from genreclf.models.bundle.bundle import Bundle
from genreclf.network_tagging import is_network, network_tagger
from genreclf.prediction import TrackPredictor
from genreclf.tag_prediction import TagPredictor

PREDICTORS: dict[str, type[TrackPredictor]] = {"single-label": TrackPredictor, "multi-label": TagPredictor}


def load(
    path: str | Path,
    *,
    min_confidence: float | None = None,
    coverage: float | None = None,
    set_coverage: float | None = None,
    mapping: Mapping[str, str] | Path | str | None = None,
    jobs: int | None = None,
    task: str | None = None,
    deferred: bool = True,
    predictors: Mapping[str, type[TrackPredictor]] = PREDICTORS,
) -> TrackPredictor:
    """Open a trained model of any task, whose estimator is built when it is first needed.

    So the libraries of the model load while workers describe the first tracks. Until then nothing needs scikit-learn.

    Parameters
    ----------
    path : the file, or the name of a network that knows tags, such as ``musicnn:msd``.
    min_confidence, coverage, set_coverage, jobs : see `genreclf.prediction.TrackPredictor`.
    mapping : of a network's tags to genres, see `genreclf.network_tagging.network_tagger`.
    task : that the model must be for; None takes any.
    deferred : False builds the estimator at once.
    predictors : what predicts, by task.

    Raises
    ------
    RequestError : the file cannot be used, see `Bundle.load`, or an option makes no sense for it.
    """
    if is_network(path):
        if coverage is not None or set_coverage is not None:
            raise RequestError(
                f"{path}: coverage and sets need held-out predictions, which networks lack; give a model"
            )
        tagger = network_tagger(str(path), mapping=mapping, min_confidence=min_confidence, jobs=jobs)
        if task not in (None, tagger.manifest.task):
            raise RequestError(f"{path}: a {tagger.manifest.task} network; this needs a {task} model")
        return tagger
    if mapping is not None:
        raise RequestError(f"{path}: only the tags of a network are mapped; models predict the labels of their tables")
    bundle = Bundle.load(path, deferred=deferred)
    if task not in (None, bundle.manifest.task):
        raise RequestError(f"{path}: a {bundle.manifest.task} model; this needs a {task} one")
    shares = {"min_confidence": min_confidence, "coverage": coverage, "set_coverage": set_coverage}
    return predictors[bundle.manifest.task](bundle, **shares, jobs=jobs).checked()
