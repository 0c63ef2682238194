"""Linear discriminants: the axes on which labels lie as far apart as their tracks lie together.

Covariances of standardised features are shrunk towards equal variances, so that few tracks in many features are not
inverted as noise. The axes are those of scikit-learn's solver ``eigen``, which computes all of them where a few are
needed, and the shrinkage by products of all features twice.

Sources: Fisher (1936), linear discriminant analysis; Ledoit and Wolf (2004) for the covariance.
"""

from __future__ import annotations

import numpy as np


def linear_discriminants(X: np.ndarray, y: np.ndarray, *, dimensions: int) -> np.ndarray:
    """The axes that tell labels apart best, the best first.

    Parameters
    ----------
    X, y : (tracks, features) and (tracks,), at least two labels.
    dimensions : how many axes, at most the number of features.

    Returns
    -------
    (features, dimensions), on which the tracks of a label have variance 1.

    Raises
    ------
    numpy.linalg.LinAlgError : the tracks of each label are all alike.
    """
    from scipy.linalg import eigh

    labels, counts = np.unique(y, return_counts=True)
    within = np.zeros((X.shape[1], X.shape[1]))
    for label, count in zip(labels, counts, strict=True):
        within += count / len(X) * _shrunk_covariance(X[y == label])
    last = X.shape[1] - 1
    _, axes = eigh(_shrunk_covariance(X) - within, within, subset_by_index=[last - dimensions + 1, last])
    return np.asarray(axes[:, ::-1])


def _shrunk_covariance(X: np.ndarray) -> np.ndarray:
    """(features, features), of (tracks, features)."""
    mean, std = X.mean(axis=0), X.std(axis=0)
    std = np.where(std > 10 * np.finfo(float).eps * np.abs(mean), std, 1.0)
    Z = (X - mean) / std
    n, features = Z.shape
    covariance = Z.T @ Z / n
    norms = (Z**2).sum(axis=1)
    variance = norms.sum() / (n * features)
    size = np.vdot(covariance, covariance)
    spread = size / features - variance**2
    noise = min((norms @ norms / n - size) / (n * features), spread)
    share = noise / spread if noise > 0 else 0.0
    covariance *= 1 - share
    covariance[np.diag_indices(features)] += share * variance
    covariance *= std[:, None]
    covariance *= std
    return np.asarray(covariance)
