"""Metrics: the spaces in which distances between tracks are measured.

Features are standardised. The distance is Euclidean there, or in a space learned from labels: projections by linear
discriminant analysis (LDA) or neighbourhood components analysis (NCA), and small networks trained on triplets or pairs.
Labels are genres, artists or tags. The metric ``tags`` projects onto tag profiles: the log-odds of each tag by logistic
regression. `METRICS` is the one registry. Where points are scaled to length 1, their distance ranks as the cosine does.

Source: Goldberger et al. (2004), Neighbourhood Components Analysis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from genreclf.errors import RequestError, unknown
from genreclf.similarity.discriminants import linear_discriminants
from genreclf.similarity.network import HIDDEN, Weights, forward, learn, unit_length

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

TAGS = "tags"
DISTANCES = ("euclidean", "cosine")
LABELS = ("genre", "artist", TAGS)
_NCA_TRACKS = 2_000  # NCA compares every pair of tracks; so many, drawn at random, are enough


@dataclass(frozen=True, eq=False)
class Space:
    """How features become points: standardised, then projected, or through a network of one hidden layer.

    Parameters
    ----------
    mean, std : (features,), of the training tracks.
    projection : (features, dimensions), or (features, hidden) with a network.
    head : of a network, the bias of the hidden layer and the weights behind it, (hidden,) and (hidden, dimensions).
    unit : points are scaled to length 1.
    """

    mean: np.ndarray
    std: np.ndarray
    projection: np.ndarray
    head: tuple[np.ndarray, np.ndarray] | None = None
    unit: bool = False

    ARRAYS: ClassVar = ("space", "network")

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """(tracks, features) to (tracks, dimensions)."""
        Z = (X - self.mean) / self.std
        points = Z @ self.projection if self.head is None else forward(Z, (self.projection, *self.head))
        return unit_length(points) if self.unit else np.asarray(points)

    def arrays(self) -> dict[str, np.ndarray]:
        """What it is stored as besides `unit`, some of `ARRAYS`."""
        linear = {"space": np.vstack([self.mean, self.std, self.projection.T])}
        return linear if self.head is None else linear | {"network": np.vstack([self.head[0], self.head[1].T])}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], *, features: int, dimensions: int, unit: bool) -> Space:
        """Read what `arrays` gave.

        Raises
        ------
        ValueError : it does not fit.
        """
        space, head = arrays["space"], arrays.get("network")
        if head is not None:
            _check_finite("network", head, (dimensions + 1, HIDDEN))
            _check_finite("space", space, (HIDDEN + 2, features))
        else:
            _check_finite("space", space, (dimensions + 2, features))
        if not (space[1] > 0).all():
            raise ValueError("space")
        return cls(space[0], space[1], space[2:].T, None if head is None else (head[0], head[1:].T), unit)


def _check_finite(name: str, array: np.ndarray, shape: tuple[int, int]) -> None:
    if array.dtype != np.float64 or array.shape != shape or not np.isfinite(array).all():
        raise ValueError(name)


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


def fit_space(X: np.ndarray, y: np.ndarray, *, metric: str, distance: str = "euclidean", seed: int = 42) -> Space:
    """Fit the space in which distances are measured.

    Parameters
    ----------
    X : (tracks, features).
    y : (tracks,), labels as texts; learned metrics use those tracks that have one. Or tags, (tracks, tags), bool.
    metric : one of `METRICS`.
    distance : one of `DISTANCES`.
    """
    mean, std = X.mean(axis=0), X.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    unit = distance == "cosine"
    found = METRICS[metric]
    if found.learn is None:
        return Space(mean, std, np.eye(X.shape[1]), unit=unit)
    if y.ndim == 2:
        known = np.full(len(y), fill_value=True) if metric == TAGS else np.asarray(y.any(axis=1))
        labels = y[known]
    else:
        known = np.array([bool(label) for label in y])
        labels = y[known].astype(str)
    learned = found.learn((X[known] - mean) / std, labels, seed, unit)
    if isinstance(learned, np.ndarray):
        return Space(mean, std, learned, unit=unit)
    return Space(mean, std, learned[0], (learned[1], learned[2]), unit)


def check_metric(metric: str, *, by: str = "genre", distance: str | None = None) -> None:
    """Raise a `RequestError` where there is no such metric, kind of label or distance."""
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    if by not in LABELS:
        raise unknown("kind of label", by, LABELS)
    if distance is not None and distance not in DISTANCES:
        raise unknown("distance", distance, DISTANCES)


def check_labels(table: FeatureTable, metric: str, by: str) -> None:
    """Raise a `RequestError` unless the table has the labels that a metric is learned from."""
    found = METRICS[metric]
    if found.learn is None:
        return
    labels = labels_of(table, metric, by)
    if labels.ndim == 2:
        if not found.of_tags:
            raise RequestError(f"the metric {metric} is learned from one label a track; choose by=genre or by=artist")
        if labels.all(axis=0).all():
            raise RequestError(f"{table.name}: the metric {metric} needs a column of tags that tell tracks apart")
        return
    _, counts = np.unique([str(label) for label in labels if label], return_counts=True)
    if (counts > 1).sum() < 2 or (by == "genre" and counts.min() < 2):
        raise RequestError(f"{table.name}: the metric {metric} needs two {by}s or more with two tracks each")


def labels_of(table: FeatureTable, metric: str, by: str) -> np.ndarray:
    """The labels that a metric is learned from: (tracks,), texts; or (tracks, tags), bool.

    Raises
    ------
    RequestError : the table knows no artists.
    """
    if TAGS in (metric, by):
        return table.tags.matrix
    return table.y if by == "genre" else _artists(table)


def _artists(table: FeatureTable) -> np.ndarray:
    if "artist" not in table.frame:
        raise RequestError(f"{table.name}: no artist is known; learn the metric from genres, or add a column 'artist'")
    return np.array([str(artist) for artist in table.frame["artist"]], dtype=object)


def _lda(Z: np.ndarray, y: np.ndarray, seed: int, unit: bool) -> np.ndarray:
    del seed, unit
    # A genre of one track has no covariance.
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    several = counts[codes] > 1
    if (counts > 1).sum() < 2:
        return np.eye(Z.shape[1])
    try:
        dimensions = min((counts > 1).sum() - 1, Z.shape[1])
        return linear_discriminants(Z[several], y[several], dimensions=dimensions)
    except np.linalg.LinAlgError:  # the tracks of each genre are all alike: there is no covariance to invert
        return np.eye(Z.shape[1])


def _nca(Z: np.ndarray, y: np.ndarray, seed: int, unit: bool) -> np.ndarray:
    from sklearn.neighbors import NeighborhoodComponentsAnalysis

    del unit
    rows = np.random.default_rng(seed).permutation(len(Z))[:_NCA_TRACKS]
    dimensions = min(32, Z.shape[1])
    nca = NeighborhoodComponentsAnalysis(dimensions, init="pca", max_iter=30, tol=1e-3, random_state=seed)
    return np.asarray(nca.fit(Z[rows], y[rows]).components_.T)


def _tags(Z: np.ndarray, Y: np.ndarray, seed: int, unit: bool) -> np.ndarray:
    from genreclf.models.taggers import LogisticTagger

    del seed, unit
    fitted = LogisticTagger().fit(Z, Y)
    return np.asarray(fitted.coef_.T) if len(fitted.varying_) else np.eye(Z.shape[1])


def _network(Z: np.ndarray, labels: np.ndarray, seed: int, unit: bool, *, loss: str) -> Weights:
    return learn(Z, labels, loss=loss, unit=unit, seed=seed)


@dataclass(frozen=True)
class Metric:
    """How a space is learned.

    Parameters
    ----------
    learn : from standardised features, (tracks, features), labels, a seed, and whether points are scaled to length 1:
        a projection, or the weights of a network; None for no learning.
    distance : what its points are compared by, unless something else is asked for.
    of_tags : labels can be tags.
    """

    learn: Callable[[np.ndarray, np.ndarray, int, bool], np.ndarray | Weights] | None
    distance: str = "euclidean"
    of_tags: bool = False


METRICS: dict[str, Metric] = {
    "euclidean": Metric(None),
    "lda": Metric(_lda),
    "nca": Metric(_nca),
    TAGS: Metric(_tags, of_tags=True),
    "triplet": Metric(partial(_network, loss="triplet"), distance="cosine", of_tags=True),
    "siamese": Metric(partial(_network, loss="siamese"), distance="cosine", of_tags=True),
}
