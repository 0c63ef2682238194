"""Metrics: the spaces in which distances between tracks are measured.

Features are standardised. The distance is Euclidean there, or in a projection learned from the genres: linear
discriminant analysis (LDA) or neighbourhood components analysis (NCA). The metric ``tags`` projects onto tag profiles:
the log-odds of each tag by logistic regression. `METRICS` is the one registry.

Source: Goldberger et al. (2004), Neighbourhood Components Analysis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from genreclf.errors import RequestError

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

TAGS = "tags"
_NCA_TRACKS = 2_000  # NCA compares every pair of tracks; so many, drawn at random, are enough


@dataclass(frozen=True, eq=False)
class Space:
    """How features become points: standardised, then projected.

    Parameters
    ----------
    mean, std : (features,), of the training tracks.
    projection : (features, dimensions).
    """

    mean: np.ndarray
    std: np.ndarray
    projection: np.ndarray

    ARRAYS: ClassVar = ("space",)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """(tracks, features) to (tracks, dimensions)."""
        return np.asarray(((X - self.mean) / self.std) @ self.projection)

    def arrays(self) -> dict[str, np.ndarray]:
        """What it is stored as, some of `ARRAYS`."""
        return {"space": np.vstack([self.mean, self.std, self.projection.T])}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], *, features: int, dimensions: int) -> Space:
        """Read what `arrays` gave.

        Raises
        ------
        ValueError : it does not fit.
        """
        space = arrays["space"]
        fits = space.dtype == np.float64 and space.shape == (dimensions + 2, features)
        if not (fits and np.isfinite(space).all() and (space[1] > 0).all()):
            raise ValueError("space")
        return cls(space[0], space[1], space[2:].T)


def standard_deviations(table: FeatureTable) -> np.ndarray:
    """The standard deviation of each feature of a table, (features,).

    Raises
    ------
    RequestError : the values of a column are so large that their squares overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        std: np.ndarray = np.nanstd(table.X, axis=0)
    wild = ~np.isfinite(std)
    if wild.any():
        column = int(wild.argmax())
        largest = float(np.nanmax(np.abs(table.X[:, column])))
        raise RequestError(
            f"{table.name}: column {table.features[column]!r} holds values up to {largest:.3g}, too large to be "
            "standardised; correct the column, or give it in another unit"
        )
    return std


def fit_space(X: np.ndarray, y: np.ndarray, *, metric: str, seed: int = 42) -> Space:
    """Fit the space in which distances are measured.

    Parameters
    ----------
    X : (tracks, features).
    y : (tracks,), genres; learned metrics use those tracks that have one. For the metric `TAGS`, (tracks, tags), bool.
    metric : one of `METRICS`.
    """
    mean, std = X.mean(axis=0), X.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    learn = METRICS[metric]
    if learn is None:
        return Space(mean, std, np.eye(X.shape[1]))
    if metric == TAGS:
        return Space(mean, std, learn((X - mean) / std, y, seed))
    known = np.array([bool(genre) for genre in y])
    return Space(mean, std, learn((X[known] - mean) / std, y[known].astype(str), seed))


def _lda(Z: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    del seed
    # A genre of one track has no covariance.
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    several = counts[codes] > 1
    if (counts > 1).sum() < 2:
        return np.eye(Z.shape[1])
    try:
        # Shrinkage keeps the covariance of few tracks in many features from being inverted as noise.
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(Z[several], y[several])
    except np.linalg.LinAlgError:  # the tracks of each genre are all alike: there is no covariance to invert
        return np.eye(Z.shape[1])
    return np.asarray(lda.scalings_[:, : len(lda.classes_) - 1], dtype=np.float64)


def _nca(Z: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.neighbors import NeighborhoodComponentsAnalysis

    rows = np.random.default_rng(seed).permutation(len(Z))[:_NCA_TRACKS]
    dimensions = min(32, Z.shape[1])
    nca = NeighborhoodComponentsAnalysis(dimensions, init="pca", max_iter=30, tol=1e-3, random_state=seed)
    return np.asarray(nca.fit(Z[rows], y[rows]).components_.T)


def _tags(Z: np.ndarray, Y: np.ndarray, seed: int) -> np.ndarray:
    from genreclf.models.taggers import LogisticTagger

    del seed
    fitted = LogisticTagger().fit(Z, Y)
    return np.asarray(fitted.coef_.T) if len(fitted.varying_) else np.eye(Z.shape[1])


# By name, how the projection is learned from standardised features, (tracks, features), labels and a seed; None for
# no projection.
METRICS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray] | None] = {
    "euclidean": None,
    "lda": _lda,
    "nca": _nca,
    TAGS: _tags,
}
