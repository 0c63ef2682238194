"""Retrieval: whether the nearest tracks are of the same genre, with an artist filter.

Every track is a query: the others are ranked by distance, and a track of the same genre is a hit. Tracks by the
query's artist, and other copies of its recording, are left out of the ranking, as they are near for reasons other than
genre (Pampalk, Flexer and Widmer 2005). The learned metric is fitted out of fold, so that no query is ranked in a
space that was fitted to its own artist.

Measures: average precision is the mean, over the hits of a query, of the precision at each hit's rank; precision at 10
is the share of hits among the first ten (or among all, where fewer are left). Both are averaged over the queries of a
genre, and over all. A query without a possible hit does not count.

Sources: Pampalk, Flexer and Widmer (2005), Improvements of Audio-Based Music Similarity and Genre Classification;
Schnitzer et al. (2012), Local and Global Scaling Reduce Hubs in Space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.evaluation.folds import inner_folds
from genreclf.evaluation.groups import find_groups
from genreclf.evaluation.usable import usable
from genreclf.models.threads import one_thread
from genreclf.progress import AUTOMATIC, Progress
from genreclf.similarity.hubness import blocks, mutual_proximity, pairwise, spread_of_distances
from genreclf.similarity.metrics import Space, fit_space

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.groups import Groups
    from genreclf.tables.table import FeatureTable

PLAIN, LEARNED, MUTUAL = "plain", "learned metric", "mutual proximity"


def retrieval(table: FeatureTable, *, seed: int = 42, progress: Progress = AUTOMATIC) -> pd.DataFrame:
    """Score how well the nearest tracks share their genre.

    Parameters
    ----------
    table : tracks with genres; artists where known.
    seed : of the folds of the learned metric.

    Returns
    -------
    ``method, genre, tracks, average_precision, precision_at_10``: for each of `PLAIN`, `LEARNED` (linear
    discriminant analysis) and `MUTUAL` (mutual proximity of plain distances), the genre ``all`` first; ``tracks``
    is the number of queries.

    Raises
    ------
    RequestError : the table has fewer than two genres with two tracks.
    """
    import pandas as pd

    table, _ = usable(table)
    groups = find_groups(table)
    genres, y = np.unique(table.y.astype(str), return_inverse=True)
    frames = []
    progress.begin("retrieval", 3)
    try:
        with one_thread():
            plain = fit_space(table.filled, table.y, metric="euclidean")(table.filled).astype(np.float32)
            spread = spread_of_distances(plain, plain).astype(np.float32)
            for method in (PLAIN, LEARNED, MUTUAL):
                scores = np.full((len(table), 2), np.nan)
                for rows, points in _queries(method, table, y, plain, groups, seed=seed):
                    near = spread if method == MUTUAL else None
                    scores[rows] = _score(points, rows, y, groups, spread=near)
                frames.append(_by_genre(method, scores, y, genres))
                progress.advance(method)
    finally:
        progress.end()
    return pd.concat(frames, ignore_index=True)


def _queries(
    method: str, table: FeatureTable, y: np.ndarray, plain: np.ndarray, groups: Groups, *, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows of queries, and the points of all tracks in the space in which these are ranked."""
    if method != LEARNED:
        return [(np.arange(len(table)), plain)]
    pairs = inner_folds(y, groups.recordings, groups.artists, folds=5, seed=seed).pairs()
    return [(test, _learned(table, train)(table.filled).astype(np.float32)) for train, test in pairs]


def _learned(table: FeatureTable, train: np.ndarray) -> Space:
    return fit_space(table.filled[train], table.y[train], metric="lda")


def _score(
    points: np.ndarray, queries: np.ndarray, y: np.ndarray, groups: Groups, *, spread: np.ndarray | None
) -> np.ndarray:
    """Average precision and precision at 10 of each query, (queries, 2); NaN where there is no possible hit."""
    scores = []
    tied, recordings = groups.widest, groups.recordings
    for part in blocks(len(queries), len(points)):
        rows = queries[part]
        distances = pairwise(points[rows], points)
        if spread is not None:
            distances = -mutual_proximity(distances, spread[rows], spread)
        left_out = (tied[rows, None] == tied) | (recordings[rows, None] == recordings)
        distances[left_out] = np.inf
        ranked = np.sort(distances, axis=1)
        for place, row in enumerate(rows):
            hits = distances[place, y == y[row]]
            scores.append(precision(np.sort(hits[np.isfinite(hits)]), ranked[place], left_out[place].sum()))
    return np.array(scores)


def precision(hits: np.ndarray, ranked: np.ndarray, left_out: int) -> tuple[float, float]:
    """Average precision and precision at 10 of one query; NaN where there is no possible hit.

    Of tracks at the same distance, those of another genre come first, so that the order of the table does not matter.

    Parameters
    ----------
    hits : (hits,), distances of the tracks of the query's genre, sorted.
    ranked : (tracks,), distances of all tracks, sorted; infinite for those left out.
    left_out : how many are left out.
    """
    if not len(hits):
        return np.nan, np.nan
    others = np.searchsorted(ranked, hits, side="right") - np.searchsorted(hits, hits, side="right")
    ranks = others + np.arange(1, len(hits) + 1)
    first = min(10, len(ranked) - int(left_out))
    average = float((np.arange(1, len(hits) + 1) / ranks).mean())
    return average, float((ranks <= first).sum() / first)


def _by_genre(method: str, scores: np.ndarray, y: np.ndarray, genres: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    counted = np.isfinite(scores[:, 0])
    rows = []
    for genre, chosen in [("all", counted), *((g, counted & (y == k)) for k, g in enumerate(genres))]:
        means = scores[chosen].mean(axis=0) if chosen.any() else (np.nan, np.nan)
        rows.append((method, str(genre), int(chosen.sum()), float(means[0]), float(means[1])))
    return pd.DataFrame(rows, columns=["method", "genre", "tracks", "average_precision", "precision_at_10"])
