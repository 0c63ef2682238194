"""Audio as scikit-learn sees it: a transformer from paths to features."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from genreclf import __version__
from genreclf.audio import DURATION
from genreclf.errors import RequestError, TrackError, with_path
from genreclf.features import DEFAULT_SET
from genreclf.remote import Url, as_location, look_up

if TYPE_CHECKING:
    from joblib import Memory

RAISE, NAN = "raise", "nan"


class AudioFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns paths and URLs of sound files into rows of features, so that a pipeline fits on files.

    There is nothing to learn: `fit` checks the parameters.

    Parameters
    ----------
    feature_set : one of `genreclf.features.FEATURE_SETS`.
    offset, duration : seconds to describe, as for `genreclf.extract_features`.
    n_jobs : worker processes; None is one, -1 is one for each core.
    memory : folder, or a ``joblib.Memory``, where rows are kept; a row belongs to the bytes of its file (of a URL, to
        its ETag or time of change), to the version of genreclf and to the weights of networks.
    on_error : ``raise`` for a file that cannot be described, or ``nan`` for a row of NaN.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import SVC
    >>> model = make_pipeline(AudioFeatures(), SVC())  # model.fit(paths, genres)
    """

    def __init__(
        self,
        *,
        feature_set: str = DEFAULT_SET,
        offset: float | None = None,
        duration: float | None = DURATION,
        n_jobs: int | None = None,
        memory: str | Path | Memory | None = None,
        on_error: str = RAISE,
    ) -> None:
        self.feature_set = feature_set
        self.offset = offset
        self.duration = duration
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error

    def fit(self, X: Iterable[str | Path], y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Check the parameters and the paths.

        Parameters
        ----------
        X : (files,) or (files, 1), paths or URLs.
        y : ignored.
        """
        self._columns()
        _places(X)
        return self

    def transform(self, X: Iterable[str | Path]) -> np.ndarray:
        """Describe files.

        Parameters
        ----------
        X : (files,) or (files, 1), paths or URLs.

        Returns
        -------
        (files, features), float64.

        Raises
        ------
        TrackError : a file cannot be described, and `on_error` is ``raise``; the reason names the file.
        RequestError : a parameter makes no sense, or these are not paths.
        """
        from joblib import Parallel, delayed
        from sklearn.utils.validation import check_memory

        from genreclf.features import find_feature_set

        width = len(self._columns())
        memory = check_memory(os.fspath(self.memory) if isinstance(self.memory, os.PathLike) else self.memory)
        describe = memory.cache(_row, ignore=["path"])
        places = _places(X)
        request = {"feature_set": self.feature_set, "offset": self.offset, "duration": self.duration}
        made_with = (__version__, *find_feature_set(self.feature_set).weights().values())
        rows = Parallel(n_jobs=self.n_jobs)(
            delayed(_described)(describe if state else _row, place, key=(state, *made_with), **request)
            for place, state in ((place, _state(place) if self.memory else "") for place in places)
        )
        for place, row in zip(places, rows, strict=True):
            if isinstance(row, TrackError) and self.on_error == RAISE:
                with with_path(place):
                    raise row
        blank = [float("nan")] * width
        return np.array([blank if isinstance(row, TrackError) else row for row in rows]).reshape(-1, width)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:  # noqa: ARG002 - sklearn's signature
        """The names of the features, in order."""
        return np.array(self._columns(), dtype=object)

    def _columns(self) -> tuple[str, ...]:
        from genreclf.features import find_feature_set

        if self.on_error not in (RAISE, NAN):
            raise RequestError(f"on_error {self.on_error!r}: choose from {RAISE}, {NAN}")
        return find_feature_set(self.feature_set).columns

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn has no types
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _places(X: Iterable[str | Path]) -> list[Path | Url]:
    """The paths and URLs in a list, an array or a column."""
    if isinstance(X, str | os.PathLike):
        raise RequestError(f"{as_location(X)}: one path; give a list of paths")
    column = np.asarray(X if hasattr(X, "__array__") else list(X), dtype=object)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1 or not all(isinstance(place, str | os.PathLike) for place in column):
        raise RequestError(f"an array of shape {column.shape} that is not of paths; give a list of paths")
    return [as_location(place) for place in column]


def _state(place: Path | Url) -> str:
    """What tells the bytes of a file from others, of a URL what its store does; empty where nothing can be told."""
    from genreclf.extraction import file_digest

    try:
        if isinstance(place, Url):
            state = look_up(place)
            return f"{place} {state}" if state else ""
        return file_digest(place)
    except (OSError, TrackError):
        return ""


def _described(describe: Callable[..., list[float]], place: Path | Url, **request: object) -> list[float] | TrackError:
    try:
        return describe(place, **request)
    except TrackError as error:
        return error


def _row(path: Path | Url, *, key: tuple[str, ...], **request: Any) -> list[float]:  # noqa: ANN401, ARG001
    """One file's features; `key` tells apart what joblib keeps of it."""
    from genreclf.features import extract_features

    return list(extract_features(path, **request).values())
