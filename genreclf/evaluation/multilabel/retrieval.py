"""Retrieval by shared tags: whether the nearest tracks have the same tags, with an artist filter.

Two tracks share the tags of both over the tags of either (Jaccard). Every track with a tag is a query, and the tracks
of its artist and other copies of its recording are left out of the ranking, as in `genreclf.evaluation.retrieval`. Tag
profiles are learned out of fold, so that no query is ranked in a space that was fitted to its own artist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.evaluation.multilabel.folds import folds_of_tags
from genreclf.models.threads import one_thread
from genreclf.similarity.hubness import blocks, pairwise
from genreclf.similarity.metrics import TAGS, fit_space

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.groups import Groups
    from genreclf.tables.table import FeatureTable

PLAIN, PROFILES = "plain", "tag profiles"
_FIRST = 10
_MOST_TRACKS = 20_000


def retrieve_tags(table: FeatureTable, groups: Groups, *, seed: int = 42) -> pd.DataFrame:
    """Score how far the nearest tracks share their tags.

    Returns
    -------
    ``method, tracks, shared_at_10, ndcg_at_10, chance``: for `PLAIN` and `PROFILES`, the number of queries, the mean
    share of tags in common with the first ten, that sum discounted by rank over the largest possible one, and the mean
    share with any track; empty where there are too many tracks, or too few artists for folds.
    """
    import pandas as pd

    if len(table) > _MOST_TRACKS or len(np.unique(groups.widest)) < 3:
        return pd.DataFrame()
    X, Y = table.filled, table.tags.matrix
    every = np.arange(len(table))
    folds = folds_of_tags(Y, groups.widest, folds=5, seed=seed).pairs()
    rows = []
    with one_thread():
        spaces = {
            PLAIN: [(every, fit_space(X, table.y, metric="euclidean"))],
            PROFILES: [(test, fit_space(X[train], Y[train], metric=TAGS)) for train, test in folds],
        }
        for method, parts in spaces.items():
            scores = np.vstack(
                [_score(space(X), Y, queries[Y[queries].any(axis=1)], groups) for queries, space in parts]
            )
            means = np.nanmean(scores, axis=0) if np.isfinite(scores).any() else np.full(3, np.nan)
            rows.append((method, int(np.isfinite(scores[:, 0]).sum()), *map(float, means)))
    return pd.DataFrame(rows, columns=["method", "tracks", "shared_at_10", "ndcg_at_10", "chance"])


def _score(points: np.ndarray, Y: np.ndarray, queries: np.ndarray, groups: Groups) -> np.ndarray:
    """(queries, 3), the three scores of each query; NaN where no other track is left."""
    tied, recordings = groups.widest, groups.recordings
    counts, tags = Y.sum(axis=1), Y.astype(np.float32)
    discount = 1 / np.log2(np.arange(_FIRST) + 2)
    found = np.full((len(queries), 3), np.nan)
    for part in blocks(len(queries), len(points)):
        rows = queries[part]
        distances = pairwise(points[rows], points)
        both = tags[rows] @ tags.T
        shared = both / np.maximum(counts[rows, None] + counts - both, 1)
        left_out = (tied[rows, None] == tied) | (recordings[rows, None] == recordings)
        distances[left_out] = np.inf
        for place, number in enumerate(range(part.start, part.start + len(rows))):
            others = np.flatnonzero(~left_out[place])
            if not len(others):
                continue
            gains = shared[place, others]
            first = gains[np.argsort(distances[place, others], kind="stable")[:_FIRST]]
            best = np.sort(gains)[::-1][:_FIRST]
            ideal = float(best @ discount[: len(best)])
            ndcg = float(first @ discount[: len(first)]) / ideal if ideal else np.nan
            found[number] = first.mean(), ndcg, gains.mean()
    return found
