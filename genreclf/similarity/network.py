"""A metric learned by a small network: one hidden layer, trained on triplets or pairs of tracks.

Triplets: a track shall be nearer to one of its own label (the positive) than to one of another (the negative), by a
margin. Negatives are semi-hard: the nearest of those that are farther off than the positive. Pairs (a Siamese network):
tracks of one label are drawn together, those of different labels that are nearer than a margin are driven apart.

Batches hold several tracks of each of many labels. The gradient of a loss is one of squared distances, the same for
both, so that the network is some lines of numpy; features of a random part of the columns are dropped in training.

Sources: Schroff, Kalenichenko and Philbin (2015), FaceNet (triplets, semi-hard negatives); Hadsell, Chopra and LeCun
(2006), Dimensionality Reduction by Learning an Invariant Mapping (pairs); Kingma and Ba (2015), Adam.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from genreclf.models.threads import one_thread

HIDDEN, DIMENSIONS = 64, 32
_BATCH, _LABELS = 256, 32  # tracks of a batch, and labels at most
_STEPS, _EPOCHS = (200, 4_000), 20  # at least and at most, and in between so many times over the tracks
_RATE, _DECAY = 2e-3, 1e-2  # of Adam, and of the weights
_DROPPED = 0.3  # share of the features
_MARGIN = {"triplet": 0.2, "siamese": 1.0}  # of squared distances, and of distances

Weights = tuple[np.ndarray, np.ndarray, np.ndarray]  # (features, hidden), (hidden,), (hidden, dimensions)


def learn(Z: np.ndarray, labels: np.ndarray, *, loss: str, unit: bool, seed: int) -> Weights:
    """Train a network.

    Parameters
    ----------
    Z : (tracks, features), standardised.
    labels : (tracks,), texts; or (tracks, tags), bool: tracks are alike that share at least half of their tags, and
        different if they share none.
    loss : ``triplet`` or ``siamese``.
    unit : points are scaled to length 1, so that distances are those of the cosine.
    """
    rng = np.random.default_rng(seed)
    features, dimensions = Z.shape[1], min(DIMENSIONS, Z.shape[1])
    weights = [
        rng.normal(size=(features, HIDDEN)) * math.sqrt(2 / features),
        np.zeros(HIDDEN),
        rng.normal(size=(HIDDEN, dimensions)) * math.sqrt(1 / HIDDEN),
    ]
    adam = _Adam(weights)
    gradient = {"triplet": _triplets, "siamese": _pairs}[loss]
    draw = _batches(labels, rng)
    with one_thread():
        for _ in range(int(np.clip(_EPOCHS * len(Z) / _BATCH, *_STEPS))):
            rows = draw()
            X = Z[rows] * (rng.random((len(rows), features)) >= _DROPPED) / (1 - _DROPPED)
            same, other = _alike(labels[rows])
            adam.step(_backward(X, weights, unit, partial(gradient, same=same, other=other, rng=rng)))
    return weights[0], weights[1], weights[2]


class _Adam:
    """Adam with decay of the weights, which it changes in place."""

    def __init__(self, weights: list[np.ndarray]) -> None:
        self.weights = weights
        self.means = [np.zeros_like(w) for w in weights]
        self.squares = [np.zeros_like(w) for w in weights]
        self.steps = 0

    def step(self, gradients: list[np.ndarray]) -> None:
        self.steps += 1
        for number, gradient in enumerate(gradients):
            self.means[number] += 0.1 * (gradient - self.means[number])
            self.squares[number] += 0.001 * (gradient**2 - self.squares[number])
            mean = self.means[number] / (1 - 0.9**self.steps)
            root = np.sqrt(self.squares[number] / (1 - 0.999**self.steps)) + 1e-8
            self.weights[number] -= _RATE * (mean / root + _DECAY * self.weights[number])


def forward(Z: np.ndarray, weights: Weights) -> np.ndarray:
    """The points of tracks, (tracks, dimensions)."""
    return np.asarray(np.maximum(Z @ weights[0] + weights[1], 0) @ weights[2])


def unit_length(points: np.ndarray) -> np.ndarray:
    """Points scaled to length 1; the origin stays."""
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.where(lengths > 0, lengths, 1.0))


def _backward(
    X: np.ndarray, weights: list[np.ndarray], unit: bool, gradient: Callable[[np.ndarray], np.ndarray]
) -> list[np.ndarray]:
    """Gradients of a loss by the weights, from its gradient by squared distances, (tracks, tracks)."""
    hidden = np.maximum(X @ weights[0] + weights[1], 0)
    raw = hidden @ weights[2]
    points = unit_length(raw) if unit else raw
    squares = (points * points).sum(axis=1)
    G = gradient(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    G = G + G.T
    by_points = 2 * (G.sum(axis=1)[:, None] * points - G @ points)
    if unit:
        along = (points * by_points).sum(axis=1, keepdims=True)
        by_points = (by_points - along * points) / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)
    by_hidden = (by_points @ weights[2].T) * (hidden > 0)
    return [X.T @ by_hidden, by_hidden.sum(axis=0), hidden.T @ by_points]


def _triplets(squared: np.ndarray, same: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The gradient of the triplet loss, with one positive for each track."""
    anchors = np.flatnonzero(same.any(axis=1) & other.any(axis=1))
    positive = np.where(same[anchors], rng.random((len(anchors), len(squared))), -1).argmax(axis=1)
    near = squared[anchors, positive][:, None]
    candidates = np.where(other[anchors], squared[anchors], np.inf)
    # Where none is farther off than the positive, the farthest.
    ranked = np.where(candidates > near, candidates, np.where(np.isfinite(candidates), 1e9 - candidates, np.inf))
    negative = ranked.argmin(axis=1)
    wrong = squared[anchors, negative] < near[:, 0] + _MARGIN["triplet"]
    G = np.zeros_like(squared)
    share = 1 / max(1, wrong.sum())
    np.add.at(G, (anchors[wrong], positive[wrong]), share)
    np.add.at(G, (anchors[wrong], negative[wrong]), -share)
    return G


def _pairs(squared: np.ndarray, same: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The gradient of the contrastive loss of all pairs: squared distance, or the squared lack of the margin."""
    del rng
    distances = np.sqrt(np.maximum(squared, 1e-12))
    near = other & (distances < _MARGIN["siamese"])
    lack = np.where(near, (_MARGIN["siamese"] - distances) / distances, 0.0)
    return np.asarray(same / max(1, same.sum()) - lack / max(1, near.sum()))


def _alike(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which tracks are of one label, and which of different ones, (tracks, tracks)."""
    if labels.ndim == 1:
        same = labels[:, None] == labels
        other = ~same
    else:
        shared = labels.astype(np.int64) @ labels.T
        total = labels.sum(axis=1)
        same = (2 * shared >= total[:, None] + total - shared) & (shared > 0)
        other = shared == 0
    np.fill_diagonal(same, val=False)
    return same, other


def _batches(labels: np.ndarray, rng: np.random.Generator) -> Callable[[], np.ndarray]:
    """What draws the rows of a batch: as many tracks of each of some labels; with tags, of all tracks."""
    if labels.ndim == 2 or len(labels) <= _BATCH:
        return lambda: rng.permutation(len(labels))[:_BATCH]
    names, codes = np.unique(labels, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    several = np.flatnonzero(np.diff(starts) > 1)
    if not len(several):
        return lambda: rng.permutation(len(labels))[:_BATCH]

    def draw() -> np.ndarray:
        drawn = rng.permutation(several)[:_LABELS]
        each = _BATCH // len(drawn)
        parts = [rng.permutation(order[starts[n] : starts[n + 1]])[:each] for n in drawn]
        return np.concatenate(parts)

    return draw
