"""The map of tracks: each a point in two dimensions, with genres as far apart as a linear projection can put them.

It is fitted to all tracks and their genres, so it is a picture, not a score.

Without the shrinkage of the covariance, a few hundred features would separate as many tracks by any labels.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from genreclf.similarity.discriminants import linear_discriminants


def track_map(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Project tracks onto two axes.

    Parameters
    ----------
    X : (tracks, features).
    y : (tracks,), genres; with fewer than three, or where the tracks of each genre are all alike, the axes are the
        principal components.

    Returns
    -------
    (tracks, 2). Each axis has its farthest track on the positive side; a second axis that a single feature does not
    give is zero.
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(X)
    axes = min(2, X.shape[1], len(X) - 1)
    places = None
    if len(set(y)) > 2 and axes == 2:
        with suppress(np.linalg.LinAlgError):
            places = scaled @ linear_discriminants(scaled, y, dimensions=2)
    if places is None:
        places = PCA(axes, svd_solver="full").fit_transform(scaled)
    farthest = places[np.abs(places).argmax(axis=0), np.arange(places.shape[1])]
    signed = places * np.where(farthest < 0, -1.0, 1.0)
    return np.hstack([signed, np.zeros((len(X), 2 - signed.shape[1]))])
