"""A trained model as scikit-learn sees it: a classifier of paths."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from genreclf.audio import Source, is_source, name_of
from genreclf.errors import RequestError, with_path
from genreclf.model_inputs import describe_excerpt, input_of
from genreclf.prediction import TrackPredictor, shown
from genreclf.remote import as_location
from genreclf.tables.cells import escape

if TYPE_CHECKING:
    from genreclf.models.bundle.bundle import Bundle
    from genreclf.prediction import Prediction

Sources = Source | Sequence[Source]
"""One sound or several, each a path, an open binary file, bytes, or (samples, rate); an array or a column of paths."""


class Predictor(TrackPredictor, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A loaded model, for files and tables; to scikit-learn, a classifier of paths.

    Parameters
    ----------
    bundle, min_confidence, coverage, set_coverage, jobs : see `genreclf.prediction.TrackPredictor`.

    Attributes
    ----------
    classes_ : (genres,), as `genres`.
    """

    _repr_mimebundle_ = None  # of scikit-learn, which notebooks would prefer to `_repr_html_`

    @property
    def _current(self) -> Bundle:
        """The model that `fit` has trained, or else the one that was loaded."""
        fitted: Bundle = getattr(self, "bundle_", self.bundle)
        return fitted

    @property
    def classes_(self) -> np.ndarray:
        """(genres,), the order of the columns of `predict_proba`."""
        return np.array(self.genres, dtype=object)

    def fit(self, X: Sources, y: Sequence[str], groups: Sequence[str] | None = None) -> Self:
        """Train the same model, with the same features and parameters, on other files.

        Parameters
        ----------
        X : (files,), paths.
        y : (files,), genres.
        groups : (files,), artists, for calibration; None where they are not known.

        Raises
        ------
        TrackError : a file cannot be read.
        RequestError : the model was made for features that audio cannot be turned into, or these tracks do not suffice.
        """
        import pandas as pd

        from genreclf.training import train_again

        made = input_of(self.manifest)
        paths = _as_sources(X)
        if len(paths) != len(y):
            raise RequestError(f"{len(paths)} files and {len(y)} genres; give one for each")
        described = [describe_excerpt(path, made) for path in paths]
        identity = {
            "track_id": [f"{number}: {escape(name_of(path))}" for number, path in enumerate(paths)],
            "genre": list(y),
        }
        if groups is not None:
            identity["artist"] = [str(group) for group in groups]
        gathered = made.gather(described, identity["track_id"])
        self.bundle_ = train_again(self.manifest, pd.DataFrame(identity), gathered)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn has no types
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def predict(self, paths: Sources, *, jobs: int | None = None) -> np.ndarray:
        """The genre of each file, (files,) texts.

        Parameters
        ----------
        paths : files, one or several; also open binary files, bytes, or (samples, rate), see `genreclf.audio`.
        jobs : worker processes for several paths.

        Raises
        ------
        TrackError : a file cannot be read; `stream` goes on instead.
        RequestError : the model was made for features that audio cannot be turned into.
        """
        return np.array([p.genre for p in self._all(paths, jobs)], dtype=object)

    def predict_proba(self, paths: Sources, *, jobs: int | None = None) -> np.ndarray:
        """(files, genres), the probabilities in the order of `genres`; raises as `predict`."""
        rows = [list(p.probabilities.values()) for p in self._all(paths, jobs)]
        return np.array(rows).reshape(-1, len(self.genres))

    def _all(self, paths: Sources, jobs: int | None) -> list[Prediction]:
        """One prediction for each path, in their order; an unreadable one is raised."""
        wanted, jobs = _as_sources(paths), self.jobs if jobs is None else jobs
        if len(wanted) == 1 or jobs == 1 or not all(isinstance(source, Path) for source in wanted):
            return [self._track(escape(name_of(source)), *self._described(source)) for source in wanted]
        by_path = {p.path: p for p in self.stream(list(dict.fromkeys(wanted)), jobs=jobs)}
        for prediction in by_path.values():
            if prediction.error is not None:
                with with_path(prediction.path):
                    raise prediction.error
        return [by_path[shown(path)] for path in wanted]


def load(
    path: str | Path,
    *,
    min_confidence: float | None = None,
    coverage: float | None = None,
    set_coverage: float | None = None,
    mapping: Mapping[str, str] | Path | str | None = None,
    jobs: int | None = None,
) -> TrackPredictor:
    """Load a trained model: a `Predictor`, or a `genreclf.tag_prediction.TagPredictor` where it is for tags.

    Parameters
    ----------
    path : the file, or the name of a network that knows tags, such as ``musicnn:msd``.
    min_confidence, coverage, set_coverage, jobs : see `genreclf.prediction.TrackPredictor`.
    mapping : of a network's tags to genres, see `genreclf.network_tagging.network_tagger`.

    Raises
    ------
    RequestError : the file cannot be used, see `Bundle.load`, or an option makes no sense for it.
    """
    from genreclf import loading

    shares: dict[str, Any] = {"min_confidence": min_confidence, "coverage": coverage, "set_coverage": set_coverage}
    kinds = loading.PREDICTORS | {"single-label": Predictor}
    return loading.load(path, **shares, mapping=mapping, jobs=jobs, deferred=False, predictors=kinds)


def _as_sources(given: Any) -> list[Any]:  # noqa: ANN401 - `Sources`, and columns of them
    """The sounds in one, a list, an array or a column; those that are paths as `Path`."""
    sources: list[Any] = [given]
    if not is_source(given):
        sources = np.asarray(given, dtype=object).ravel().tolist() if hasattr(given, "__array__") else list(given)
    return [as_location(source) if isinstance(source, str | os.PathLike) else source for source in sources]
