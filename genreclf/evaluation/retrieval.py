"""Retrieval: whether the nearest tracks are of the same genre, with an artist filter.

Every track asks for all others, ranked by distance; a track of the same genre is a hit. Tracks of the query's own
artist, and other copies of its recording, are left out of the ranking: they are near for reasons that are not genre
(Pampalk, Flexer and Widmer 2005). The learned metric is fitted out of fold, so that no track asks in a space that
its own artist has shaped.

Measures: average precision is the mean, over the hits of one query, of the precision at each hit's rank; precision
at 10 is the share of hits among the first ten (of as many as there are, where fewer are left). Both are averaged
over the queries of a genre, and of all. A query without a possible hit does not count.

Sources: Pampalk, Flexer and Widmer (2005), Improvements of Audio-Based Music Similarity and Genre Classification;
Schnitzer et al. (2012), Local and Global Scaling Reduce Hubs in Space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.progress import SILENT, Progress
from genreclf.similarity.hubness import mutual_proximity, pairwise
from genreclf.similarity.metrics import Space, fit_space

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.groups import Groups
    from genreclf.tables.table import FeatureTable

PLAIN, LEARNED, MUTUAL = "plain", "learned metric", "mutual proximity"
_BLOCK_BYTES = 32 << 20


def retrieval(table: FeatureTable, *, seed: int = 42, progress: Progress = SILENT) -> pd.DataFrame:
    """Score how well near tracks share their genre.

    Parameters
    ----------
    table : tracks with genres; artists where known.
    seed : of the folds of the learned metric.

    Returns
    -------
    ``method, genre, tracks, average_precision, precision_at_10``: for each of `PLAIN`, `LEARNED` (linear
    discriminant analysis) and `MUTUAL` (mutual proximity of plain distances), the genre ``all`` first. `tracks`
    counts the queries.

    Raises
    ------
    RequestError : the table has fewer than two genres with two tracks.
    """
    import pandas as pd
    from threadpoolctl import threadpool_limits

    from genreclf.evaluation.groups import find_groups
    from genreclf.evaluation.usable import usable

    table, _ = usable(table)
    groups = find_groups(table)
    tied = groups.recordings if groups.artists is None else groups.artists
    genres, y = np.unique(table.y.astype(str), return_inverse=True)
    frames = []
    progress.begin("retrieval", 3)
    try:
        with threadpool_limits(1):
            plain = fit_space(table.X, table.y, metric="euclidean")(table.X).astype(np.float32)
            spread = _spread(plain)
            for method in (PLAIN, LEARNED, MUTUAL):
                scores = np.full((len(table), 2), np.nan)
                for rows, points in _queries(method, table, y, plain, groups, seed=seed):
                    near = spread if method == MUTUAL else None
                    scores[rows] = _score(points, rows, y, groups.recordings, tied, spread=near)
                frames.append(_by_genre(method, scores, y, genres))
                progress.advance(method)
    finally:
        progress.end()
    return pd.concat(frames, ignore_index=True)


def _queries(
    method: str, table: FeatureTable, y: np.ndarray, plain: np.ndarray, groups: Groups, *, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows that ask, and the points of all tracks in the space that they ask in."""
    if method != LEARNED:
        return [(np.arange(len(table)), plain)]
    from genreclf.evaluation.folds import inner_folds

    pairs = inner_folds(y, groups.recordings, groups.artists, folds=5, seed=seed).pairs()
    return [(test, _learned(table, train)(table.X).astype(np.float32)) for train, test in pairs]


def _learned(table: FeatureTable, train: np.ndarray) -> Space:
    return fit_space(table.X[train], table.y[train], metric="lda")


def _spread(points: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of the distances from each point to all others, (tracks, 2)."""
    found = []
    rows = _rows_at_a_time(len(points))
    for start in range(0, len(points), rows):
        distances = pairwise(points[start : start + rows], points)
        found.append(np.column_stack([distances.mean(axis=1), np.maximum(distances.std(axis=1), 1e-12)]))
    return np.concatenate(found).astype(np.float32)


def _rows_at_a_time(tracks: int) -> int:
    return max(1, _BLOCK_BYTES // (4 * tracks))


def _score(
    points: np.ndarray,
    queries: np.ndarray,
    y: np.ndarray,
    recordings: np.ndarray,
    tied: np.ndarray,
    *,
    spread: np.ndarray | None,
) -> np.ndarray:
    """Average precision and precision at 10 of each query, (queries, 2); NaN where there is no possible hit."""
    scores = np.empty((len(queries), 2))
    rows = _rows_at_a_time(len(points))
    for start in range(0, len(queries), rows):
        asking = queries[start : start + rows]
        distances = pairwise(points[asking], points)
        if spread is not None:
            distances = -mutual_proximity(distances, spread[asking], spread)
        left_out = (tied[asking, None] == tied) | (recordings[asking, None] == recordings)
        distances[left_out] = np.inf
        ranked = np.sort(distances, axis=1)
        for place, row in enumerate(asking):
            hits = distances[place, y == y[row]]
            scores[start + place] = precision(np.sort(hits[np.isfinite(hits)]), ranked[place], left_out[place].sum())
    return scores


def precision(hits: np.ndarray, ranked: np.ndarray, left_out: int) -> tuple[float, float]:
    """Average precision and precision at 10 of one query; NaN where there is no possible hit.

    Of tracks equally far, those of another genre come first, so that the order of the table does not matter.

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
