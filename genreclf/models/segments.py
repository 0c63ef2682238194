"""Models of series that average over time: predictions of segments, or the values themselves.

Both ignore the order in which a track's segments come, and are what a recurrent head over the same series has to beat.
A track counts once, however long it is: a longer one has more segments, each of less weight. Series are read in
batches, so that more can be fitted than memory holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from genreclf.models.pooling import mean_and_std, pooled

if TYPE_CHECKING:
    from genreclf.series import Series

_HELD_BYTES = 64 << 20  # of segments; more are read again for each step of the optimiser
_BLOCK_BYTES = 1 << 20


class _Block(NamedTuple):
    """The segments of some tracks: (segments, values) float32, and of each its track's number and its weight."""

    values: np.ndarray
    track: np.ndarray
    weight: np.ndarray


class _Average(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of series by the mean of probabilities: a linear one of standardised values."""

    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    mean_: np.ndarray
    scale_: np.ndarray

    def predict_proba(self, X: Series) -> np.ndarray:
        """(tracks, classes), rows that sum to one."""
        check_is_fitted(self)
        probabilities = np.zeros((len(X), len(self.classes_)))
        for block in _Blocks(self, X):
            scores = block.values @ self.coef_.T.astype(np.float32) + self.intercept_
            np.add.at(probabilities, block.track, _softmax(scores) * block.weight[:, None])
        return probabilities

    def segments(self, X: Series) -> Iterator[_Block]:
        """The segments whose probabilities are averaged."""
        raise NotImplementedError

    def standardised(self, block: _Block) -> _Block:
        """The same segments with values of mean 0 and standard deviation 1."""
        return block._replace(values=(block.values - self.mean_) / self.scale_)

    def predict(self, X: Series) -> np.ndarray:
        """(tracks,), the class of the highest probability of each."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class SegmentVote(_Average):
    """Multinomial logistic regression of segments; a track's probabilities are the mean over its segments.

    A segment of one frame is that frame; one of several is their mean and standard deviation.

    Parameters
    ----------
    C : inverse strength of the L2 penalty, in proportion to the number of tracks as in scikit-learn.
    seconds : length of a segment; at least one frame.

    Attributes
    ----------
    classes_ : (classes,), the labels, sorted.
    coef_, intercept_ : (classes, values) and (classes,), of standardised values.
    mean_, scale_ : (values,), that standardise them.
    """

    def __init__(self, *, C: float = 0.1, seconds: float = 3.0) -> None:
        self.C = C
        self.seconds = seconds

    def fit(self, X: Series, y: np.ndarray) -> Self:
        """Fit all classes at once by L-BFGS.

        Parameters
        ----------
        X : the series of the tracks.
        y : (tracks,), labels of at least two classes.

        Raises
        ------
        ValueError : there is one class only.
        """
        from scipy.optimize import minimize

        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"two classes are needed; the labels hold one class: {self.classes_[0]!r}")
        self.mean_, self.scale_, size = _moments(self.segments(X))
        blocks: Iterable[_Block] = _Blocks(self, X)
        if size <= _HELD_BYTES:
            blocks = list(blocks)
        width, classes = len(self.mean_), len(self.classes_)
        objective = partial(_objective, blocks=blocks, codes=codes, classes=classes, C=self.C)
        # The same stopping rule as scikit-learn's, whose objective is this one.
        options = {"maxiter": 1000, "gtol": 1e-4 * len(X), "ftol": 64 * np.finfo(float).eps}
        found = minimize(objective, np.zeros(classes * (width + 1)), jac=True, method="L-BFGS-B", options=options)
        weights = found.x.reshape(classes, width + 1)
        self.coef_, self.intercept_ = weights[:, :-1], weights[:, -1]
        return self

    def segments(self, X: Series) -> Iterator[_Block]:
        """The segments of some tracks at a time."""
        length = max(1, round(self.seconds * X.frame_rate))
        parts: list[np.ndarray] = []
        for track, frames in enumerate(X):
            parts.append(segments_of(frames, length))
            if track == len(X) - 1 or sum(part.nbytes for part in parts) >= _BLOCK_BYTES:
                counts = np.array([len(part) for part in parts])
                numbers = np.arange(track + 1 - len(parts), track + 1)
                yield _Block(np.concatenate(parts), np.repeat(numbers, counts), np.repeat(1 / counts, counts))
                parts = []


class PooledLogistic(_Average):
    """Logistic regression on the mean and the standard deviation of a track's frames.

    Parameters
    ----------
    C : inverse strength of the L2 penalty.

    Attributes
    ----------
    classes_ : (classes,), the labels, sorted.
    coef_, intercept_ : (classes, values) and (classes,), of standardised values.
    mean_, scale_ : (values,), that standardise them.
    """

    def __init__(self, *, C: float = 0.1) -> None:
        self.C = C

    def fit(self, X: Series, y: np.ndarray) -> Self:
        """Fit to the series of the tracks and their (tracks,) labels."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        values = pooled(X)
        scaler = StandardScaler().fit(values)
        fitted = LogisticRegression(C=self.C, max_iter=1000).fit(scaler.transform(values), y)
        self.classes_, self.mean_, self.scale_ = fitted.classes_, scaler.mean_, scaler.scale_
        self.coef_, self.intercept_ = fitted.coef_, fitted.intercept_
        if len(self.classes_) == 2:  # scores of the second class alone
            self.coef_, self.intercept_ = (np.concatenate([0 * part, part]) for part in (self.coef_, self.intercept_))
        return self

    def segments(self, X: Series) -> Iterator[_Block]:
        """Each track as one segment."""
        yield _Block(pooled(X), np.arange(len(X)), np.ones(len(X)))


def segments_of(frames: np.ndarray, length: int) -> np.ndarray:
    """The segments of a track.

    Parameters
    ----------
    frames : (frames, bins).
    length : frames in a segment; what is left at the end is a segment if it is at least half as long or the only one.

    Returns
    -------
    (segments, bins) float32, or of mean and standard deviation (segments, 2 * bins) if a segment has several frames.
    """
    if length == 1:
        return frames.astype(np.float32)
    whole = len(frames) // length
    parts = [mean_and_std(frames[: whole * length].reshape(whole, length, -1))] if whole else []
    rest = frames[whole * length :]
    if not whole or len(rest) * 2 >= length:
        parts.append(mean_and_std(rest[None]))
    return np.concatenate(parts)


class _Blocks:
    """The standardised segments of a series, some tracks at a time, as often as they are asked for."""

    def __init__(self, model: _Average, series: Series) -> None:
        self._model, self._series = model, series

    def __iter__(self) -> Iterator[_Block]:
        return map(self._model.standardised, self._model.segments(self._series))


def _moments(blocks: Iterable[_Block]) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean and standard deviation of each value, tracks counting alike, 1 where it is constant; bytes of all values."""
    weight, size = 0.0, 0
    mean = squares = np.zeros(1)
    for block in blocks:
        values, size = block.values.astype(np.float64), size + block.values.nbytes
        total = block.weight.sum()
        here = block.weight @ values / total
        # Chan, Golub and LeVeque (1983): sums of squares about the mean, which add up without cancelling.
        squares = squares + block.weight @ (values - here) ** 2 + (here - mean) ** 2 * weight * total / (weight + total)
        mean = mean + (here - mean) * total / (weight + total)
        weight += total
    std = np.sqrt(squares / weight)
    return mean.astype(np.float32), np.where(std > 1e-6, std, 1.0).astype(np.float32), size


def _objective(
    weights: np.ndarray, *, blocks: Iterable[_Block], codes: np.ndarray, classes: int, C: float
) -> tuple[float, np.ndarray]:
    """Half the squared coefficients and C times the log loss of the tracks, and the gradient of that."""
    matrix = weights.reshape(classes, -1)
    coef, intercept = matrix[:, :-1], matrix[:, -1]
    loss, gradient = 0.0, np.zeros_like(matrix)
    for block in blocks:
        probabilities = _softmax(block.values @ coef.T.astype(np.float32) + intercept)
        place = np.arange(len(block.track)), codes[block.track]
        loss -= float(block.weight @ np.log(np.maximum(probabilities[place], 1e-300)))
        probabilities[place] -= 1
        probabilities *= block.weight[:, None]
        gradient[:, :-1] += probabilities.T @ block.values
        gradient[:, -1] += probabilities.sum(axis=0)
    gradient *= C
    gradient[:, :-1] += coef
    return C * loss + 0.5 * float((coef**2).sum()), gradient.ravel()


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    return np.asarray(scores, dtype=np.float64)
