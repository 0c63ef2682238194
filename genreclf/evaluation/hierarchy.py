"""Hierarchical F1: a prediction that shares ancestors with the true genre is partly right.

Each genre stands for itself and its ancestors. Precision is the share of the predicted nodes that are true, recall the
share of the true nodes that are predicted, over all tracks together; F1 is their harmonic mean. Without ancestors it is
the accuracy.

Sources: Kiritchenko, Matwin and Famili (2005), Functional Annotation of Genes Using Hierarchical Text Categorization;
Silla and Freitas (2011), A survey of hierarchical classification across different application domains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genreclf.evaluation.uncertainty import Estimate, Jackknife


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """How much genres have in common.

    Parameters
    ----------
    shared : (genres, genres), the number of nodes that two genres share; on the diagonal the nodes of one genre.
    """

    shared: np.ndarray

    @classmethod
    def of(cls, genres: Sequence[str], parents: Mapping[str, tuple[str, ...]]) -> Hierarchy:
        """The hierarchy of some genres.

        Parameters
        ----------
        parents : for each genre the path to it, topmost first, without itself; a genre that is not there has none.
        """
        nodes = [{*_prefixes(parents.get(genre, ())), (*parents.get(genre, ()), genre)} for genre in genres]
        return cls(np.array([[len(one & other) for other in nodes] for one in nodes], dtype=float))


def hierarchical_f1(y_pred: np.ndarray, hierarchy: Hierarchy, jackknife: Jackknife) -> Estimate:
    """The score of predicted genre codes, (tracks,)."""
    sizes = np.diagonal(hierarchy.shared)
    right = 2 * hierarchy.shared[jackknife.y, y_pred]
    nodes = sizes[jackknife.y] + sizes[y_pred]
    value = float(right.sum() / nodes.sum())
    return Estimate(value, jackknife.linear((right - value * nodes) / nodes.sum()), jackknife.factor)


def _prefixes(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [path[: depth + 1] for depth in range(len(path))]
