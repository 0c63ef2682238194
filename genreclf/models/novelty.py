"""Novelty: how far a track is from everything that a model was trained on.

Two distances of the standardised features are taken: the mean square over all of them, and Hotelling's T², the mean
square along the five directions in which the training tracks vary most, each in units of its own variance. The first
sees features that are out of range, the second combinations of usual values that no music has, as noise is. A track's
distance is the larger of the two, each divided by its 95th percentile over the training tracks. What it is compared
with are the distances of training tracks from the others, artists apart; so a new artist's track is far if it is far
for a new artist's track.

Source: Hotelling (1947), Multivariate Quality Control.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

import msgspec
import numpy as np

DIRECTIONS = 5
_LIMIT = 10.0  # standard deviations; features have heavy tails
_PERCENT = np.arange(101)

Number = Annotated[float, msgspec.Meta(gt=-1e300, lt=1e300)]
Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e300)]


class Novelty(msgspec.Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """Distances from the training tracks, and what is usual.

    Parameters
    ----------
    center : (features,), means of the standardised and clipped features.
    directions : (directions, features), each divided by the standard deviation of the training tracks along it.
    scales : what the two distances are divided by.
    quantiles : (101,), of the distances of training tracks from those of other artists.
    """

    center: tuple[Number, ...]
    directions: tuple[tuple[Number, ...], ...]
    scales: tuple[Positive, Positive]
    quantiles: Annotated[tuple[Number, ...], msgspec.Meta(min_length=101, max_length=101)]

    def percentile(self, X: np.ndarray, means: Sequence[float], stds: Sequence[float]) -> np.ndarray:
        """(tracks,), the percentage of training tracks that are nearer to those of other artists, from 0 to 100.

        Parameters
        ----------
        X : (tracks, features); an empty cell (NaN) counts as the mean.
        means, stds : (features,), of the training tracks.
        """
        z = _standardised(X, np.array(means), np.array(stds))
        distance = (_distances(z, *self._axes) / self.scales).max(axis=1)
        return np.asarray(np.interp(distance, self.quantiles, _PERCENT))

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Center and directions."""
        return np.array(self.center), np.array(self.directions)


def fit_novelty(X: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]]) -> Novelty:
    """Fit the distances to training tracks.

    Parameters
    ----------
    X : (tracks, features), finite.
    folds : rows to train on and to test on; every row is tested once.
    """
    held_out = np.empty((len(X), 2))
    for train, test in folds:
        means, stds = X[train].mean(axis=0), X[train].std(axis=0)
        fitted = _directions(_standardised(X[train], means, stds))
        held_out[test] = _distances(_standardised(X[test], means, stds), *fitted)
    scales = np.maximum(np.quantile(held_out, 0.95, axis=0), 1e-9)
    center, directions = _directions(_standardised(X, X.mean(axis=0), X.std(axis=0)))
    quantiles = np.quantile((held_out / scales).max(axis=1), _PERCENT / 100)
    return Novelty(
        _rounded(center),
        tuple(_rounded(direction) for direction in directions),
        (float(scales[0]), float(scales[1])),
        tuple(quantiles.tolist()),
    )


def _standardised(X: np.ndarray, means: np.ndarray, stds: np.ndarray) -> np.ndarray:
    z = (np.where(np.isnan(X), means, X) - means) / np.where(stds > 0, stds, 1.0)
    return np.asarray(np.clip(z, -_LIMIT, _LIMIT))


def _directions(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The center, (features,), and the directions, (directions, features), each divided by its standard deviation."""
    from scipy.linalg import eigh

    center = np.asarray(z.mean(axis=0))
    from_center = z - center
    wide = z.shape[1] > len(z)
    # Of the products of rows and those of columns, which share their eigenvalues, the fewer are taken.
    products = from_center @ from_center.T if wide else from_center.T @ from_center
    last = len(products) - 1
    squares, vectors = eigh(products, subset_by_index=[max(0, last - DIRECTIONS + 1), last])
    kept = squares > 1e-9 * len(z)
    squares, vectors = squares[kept], vectors[:, kept]
    units = from_center.T @ vectors / np.sqrt(squares) if wide else vectors
    directions = np.asarray((units / np.sqrt(squares / len(z))).T)
    return center, directions


def _distances(z: np.ndarray, center: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(tracks, 2), the mean square over the features and along the directions."""
    along = (z - center) @ directions.reshape(-1, z.shape[1]).T
    return np.column_stack([(z**2).mean(axis=1), (along**2).sum(axis=1) / DIRECTIONS])


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values.tolist())
