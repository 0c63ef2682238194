"""The map: each track as a point in two dimensions, genres as far apart as a linear projection can put them.

It is made from all tracks with their genres and is for looking, not for scoring.

Source: Fisher (1936), linear discriminant analysis; Ledoit and Wolf (2004) for the covariance, without which some
hundred features on as many tracks would separate anything.
"""

from __future__ import annotations

import numpy as np


def track_map(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Project tracks onto two axes.

    Parameters
    ----------
    X : (tracks, features).
    y : (tracks,), genres; with fewer than three, or where the tracks of each genre are all alike, the axes are the
        principal components.

    Returns
    -------
    (tracks, 2); the sign of an axis is such that its farthest track is on the positive side. An axis that the
    features do not have is all zero.
    """
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(X)
    axes = min(2, X.shape[1], len(X) - 1)
    try:
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto", n_components=axes)
        places = None if len(set(y)) < 3 or axes < 2 else lda.fit(scaled, y).transform(scaled)
    except np.linalg.LinAlgError:
        places = None
    if places is None:
        places = PCA(axes, svd_solver="full").fit_transform(scaled)
    farthest = places[np.abs(places).argmax(axis=0), np.arange(places.shape[1])]
    signed = places * np.where(farthest < 0, -1.0, 1.0)
    return np.hstack([signed, np.zeros((len(X), 2 - signed.shape[1]))])
