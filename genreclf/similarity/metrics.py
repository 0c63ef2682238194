"""Spaces in which the distance between tracks is taken.

Features are standardised; the distance is Euclidean there, or in a projection learned from the genres: linear
discriminant analysis (LDA) or neighbourhood components analysis (NCA).

Source: Goldberger et al. (2004), Neighbourhood Components Analysis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

METRICS = ("euclidean", "lda", "nca")
_NCA_TRACKS = 2_000  # NCA takes every pair into account; so many tracks, drawn at random, are enough


@dataclass(frozen=True, eq=False)
class Space:
    """How features become points: standardised, then projected.

    Parameters
    ----------
    mean, deviation : (features,), of the training tracks.
    projection : (features, dimensions).
    """

    mean: np.ndarray
    deviation: np.ndarray
    projection: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """(tracks, features) to (tracks, dimensions)."""
        return np.asarray(((X - self.mean) / self.deviation) @ self.projection)


def standard_deviations(table: FeatureTable) -> np.ndarray:
    """How far each feature of a table spreads: (features,).

    Raises
    ------
    RequestError : the values of a column are so large that their squares are no numbers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        deviations: np.ndarray = table.X.std(axis=0)
    wild = ~np.isfinite(deviations)
    if wild.any():
        column = int(wild.argmax())
        largest = float(np.abs(table.X[:, column]).max())
        raise RequestError(
            f"{table.name}: column {table.features[column]!r} holds values up to {largest:.3g}, too large to be "
            "standardised; mend the column, or give it in another unit"
        )
    return deviations


def fit_space(X: np.ndarray, y: np.ndarray, *, metric: str, seed: int = 42) -> Space:
    """Fit the space in which distances are taken.

    Parameters
    ----------
    X : (tracks, features).
    y : (tracks,), genres; a learned metric goes by them, and by tracks that have one only.
    """
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    if metric == "euclidean":
        return Space(mean, deviation, np.eye(X.shape[1]))
    known = np.array([bool(genre) for genre in y])
    Z = (X[known] - mean) / deviation
    return Space(mean, deviation, _projection(Z, y[known].astype(str), metric=metric, seed=seed))


def _projection(Z: np.ndarray, y: np.ndarray, *, metric: str, seed: int) -> np.ndarray:
    if metric == "lda":
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        # Shrinkage keeps the within-genre covariance of few tracks in many features from being inverted as noise.
        # A genre of one track has no covariance at all.
        _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        several = counts[codes] > 1
        if (counts > 1).sum() < 2:
            return np.eye(Z.shape[1])
        try:
            lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(Z[several], y[several])
        except np.linalg.LinAlgError:  # the tracks of each genre are all alike: no spread to weigh by
            return np.eye(Z.shape[1])
        scalings = lda.scalings_[:, : len(lda.classes_) - 1]
        return np.asarray(scalings, dtype=np.float64)
    from sklearn.neighbors import NeighborhoodComponentsAnalysis

    dimensions = min(32, Z.shape[1])
    rows = np.random.default_rng(seed).permutation(len(Z))[:_NCA_TRACKS]
    nca = NeighborhoodComponentsAnalysis(dimensions, init="pca", max_iter=30, tol=1e-3, random_state=seed)
    return np.asarray(nca.fit(Z[rows], y[rows]).components_.T)
