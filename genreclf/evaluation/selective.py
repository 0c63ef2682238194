"""Selective prediction: what a model gains by leaving out the tracks that it is least sure of, and sets of genres.

Coverage is the share of tracks that are answered, risk the share of those answered wrongly. The area under the
risk-coverage curve is the mean risk over all coverages: smaller is better; a model that knows nothing of its own errors
has its error rate there.

A prediction set holds every genre of at least some probability. The least probability is chosen on held-out tracks such
that the set holds the true genre in a stated share of tracks of new artists, whatever the model and the music
(split conformal prediction). Tracks of one artist are not independent, so each artist counts once, its tracks in parts.

Sources: El-Yaniv and Wiener (2010), On the Foundations of Noise-free Selective Classification; Geifman, Uziel and
El-Yaniv (2019), Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers (the area); Sadinle, Lei and Wasserman
(2019), Least Ambiguous Set-Valued Classifiers with Bounded Error Levels; Lee, Barber and Willett (2023),
Distribution-free Inference with Hierarchical Data (groups).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of wrong predictions among the 1, 2, ..., n tracks of highest confidence.

    Parameters
    ----------
    confidence : (tracks,); tracks of equal confidence come in any order, and the mean over the orders is taken.
    right : (tracks,), whether the prediction was right.

    Returns
    -------
    (tracks,) confidences, descending, and (tracks,) risks, each of the tracks down to that one; the mean of the risks
    is the area under the curve.
    """
    values, place, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    errors = np.bincount(place, weights=~right.astype(bool)) / size
    return -np.repeat(values, size), np.cumsum(np.repeat(errors, size)) / np.arange(1, len(right) + 1)


def area(confidence: np.ndarray, right: np.ndarray) -> tuple[float, np.ndarray]:
    """The area under the risk-coverage curve, and how it changes with the weight of each track.

    Parameters
    ----------
    confidence, right : (tracks,), see `risk_coverage`.

    Returns
    -------
    The area, and (tracks,) its derivatives by the tracks' weights, all of which are 1; their sum is 0.
    """
    _, place, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    risks, rank, block = (
        risk_coverage(confidence, right)[1],
        np.arange(1, len(right) + 1),
        np.repeat(range(len(size)), size),
    )

    def from_here(terms: np.ndarray) -> np.ndarray:
        """(tracks,), the sum of the terms from each track's rank on, a mean over the ranks of equal confidence."""
        return np.asarray((np.bincount(block, weights=np.cumsum(terms[::-1])[::-1]) / size)[place])

    own = (np.bincount(block, weights=risks) / size)[place]
    change = own - risks.mean() + ~right.astype(bool) * from_here(1 / rank) - from_here(risks / rank)
    return float(risks.mean()), change / len(right)


def set_thresholds(shares: np.ndarray, groups: np.ndarray, levels: Sequence[float] | np.ndarray) -> np.ndarray:
    """The least probability of the genres in a prediction set, for each of some levels.

    Parameters
    ----------
    shares : (tracks,), the probability of the true genre of held-out tracks.
    groups : (tracks,), artists.
    levels : the shares of tracks of new artists whose set shall hold the true genre.

    Returns
    -------
    (levels,); 0, which takes every genre, where there are too few artists for the level.
    """
    _, artist, size = np.unique(groups, return_inverse=True, return_counts=True)
    weight = 1 / (size[artist] * (len(size) + 1))  # one more artist, the new one, may be worse than all
    order = np.argsort(-shares, kind="stable")
    reached = np.cumsum(weight[order])
    place = np.searchsorted(reached, np.asarray(levels) - 1e-9)
    return np.where(place < len(shares), np.append(shares[order], 0.0)[np.minimum(place, len(shares))], 0.0)
