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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.errors import RequestError, unknown
from genreclf.evaluation.folds import inner_folds
from genreclf.evaluation.groups import find_groups
from genreclf.evaluation.significance import holm
from genreclf.evaluation.uncertainty import LEVEL, Estimate, Jackknife
from genreclf.evaluation.usable import usable
from genreclf.models.threads import one_thread
from genreclf.progress import AUTOMATIC, Progress
from genreclf.similarity.hubness import blocks, mutual_proximity, occurrence_skew, pairwise, spread_of_distances
from genreclf.similarity.metrics import METRICS, Space, check_labels, check_metric, fit_space, labels_of
from genreclf.similarity.series import with_series

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from genreclf.evaluation.groups import Groups
    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable

PLAIN, LEARNED, MUTUAL = "plain", "learned metric", "mutual proximity"
MUTUAL_PROXIMITY = "mutual-proximity"
COMPARED = ("euclidean", "cosine", MUTUAL_PROXIMITY, "lda", "triplet", "siamese")
_UNLEARNED = {"cosine": ("euclidean", "cosine"), MUTUAL_PROXIMITY: ("euclidean", "euclidean")}  # metric, distance
_FIRST = 10


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
        for name, method in ((PLAIN, "euclidean"), (LEARNED, "lda"), (MUTUAL, MUTUAL_PROXIMITY)):
            frames.append(_by_genre(name, _scores(method, table, y, groups, seed=seed)[0], y, genres))
            progress.advance(name)
    finally:
        progress.end()
    return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True, eq=False)
class MetricComparison:
    """Metrics by how well near tracks share their genre.

    Parameters
    ----------
    scores : a row a metric: ``metric, precision_at_10, precision_at_10_low, precision_at_10_high, hubness``; hubness is
        the skewness of how often a track is among the first ten of others.
    differences : of precision at 10, a row for each pair of metrics both ways: ``metric, other, difference,
        difference_low, difference_high, p_value``, positive where the first is better; p-values are Holm's.
    tracks, groups, repeats, by : number of queries, of independent groups and of cross-validations, and the labels
        that metrics were learned from.
    """

    scores: pd.DataFrame
    differences: pd.DataFrame
    tracks: int
    groups: int
    repeats: int
    by: str

    def as_json(self) -> dict[str, Any]:
        """Everything, with None for what is not a number."""
        frames = {name: getattr(self, name).astype(object) for name in ("scores", "differences")}
        rows = {name: frame.where(frame.notna(), None).to_dict("records") for name, frame in frames.items()}
        counts = {name: getattr(self, name) for name in ("tracks", "groups", "repeats", "by")}
        return counts | rows | {"verdicts": self.verdicts()}

    def verdicts(self) -> list[str]:
        """For each learned metric a line: what it is better than, what worse, and what it cannot be told apart from."""
        lines = []
        for metric in filter(is_learned, self.scores["metric"]):
            rows = self.differences[self.differences["metric"] == metric]
            clear = rows["p_value"] < LEVEL
            parts = {
                "better than": rows[clear & (rows["difference"] > 0)],
                "worse than": rows[clear & (rows["difference"] < 0)],
                "not told apart from": rows[~clear],
            }
            told = [
                f"{words} {', '.join(map(_compared, found.to_dict('records')))}"
                for words, found in parts.items()
                if len(found)
            ]
            lines.append(f"{metric}: {'; '.join(told)}")
        return lines


def compare_metrics(
    table: FeatureTable,
    metrics: Sequence[str] = COMPARED,
    *,
    series: Series | str | Path | None = None,
    by: str = "genre",
    repeats: int = 5,
    seed: int = 42,
    progress: Progress = AUTOMATIC,
) -> MetricComparison:
    """Compare metrics by retrieval, each learned on other artists than those whose tracks are queries.

    Parameters
    ----------
    metrics : those of `genreclf.build_index`, ``cosine`` (of standardised features) and ``mutual-proximity`` (of
        plain distances); two or more.
    series : compares tracks by these in the place of the features, as `genreclf.build_index` does.
    by : what learned metrics are learned from: ``genre``, ``artist`` or ``tags``; hits are tracks of the same genre.
    repeats : cross-validations, each with other folds and seeds.

    Returns
    -------
    Precision at 10 with intervals over artists, and paired differences. Average precision is left out: a metric draws
    the tracks together that it was learned from, and a query is then near to all of a genre or to none, which raises
    average precision even where the labels are noise.

    Raises
    ------
    RequestError : there is no such metric, or the table does not have the labels.
    """
    import pandas as pd

    metrics = list(dict.fromkeys(metrics))
    _check(metrics, by, repeats)
    table, _ = usable(table if series is None else with_series(table, series))
    for metric in filter(is_learned, metrics):
        check_labels(table, metric, by)
    groups = find_groups(table)
    genres, y = np.unique(table.y.astype(str), return_inverse=True)
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {metric: [] for metric in metrics}
    progress.begin("retrieval", len(metrics) * repeats)
    try:
        for metric in metrics:
            for repeat in range(repeats if is_learned(metric) else 1):
                found[metric].append(_scores(metric, table, y, groups, by=by, seed=seed + repeat))
                progress.advance(metric)
    finally:
        progress.end()
    counted = np.isfinite(found[metrics[0]][0][0][:, 0])
    estimates, rows = {}, []
    for metric, parts in found.items():
        jackknife = Jackknife.over(y, groups.widest, len(genres), trained=is_learned(metric))
        estimates[metric] = Estimate.mean([_estimate(values[:, 1], near, y, jackknife) for values, near in parts])
        hubness = float(np.mean([_hubness(near) for _, near in parts]))
        rows.append({"metric": metric, **estimates[metric].columns("precision_at_10"), "hubness": hubness})
    return MetricComparison(
        scores=pd.DataFrame(rows),
        differences=_differences(estimates),
        tracks=int(counted.sum()),
        groups=len(np.unique(groups.widest[counted])),
        repeats=repeats,
        by=by,
    )


def _compared(row: Mapping[Any, Any]) -> str:
    value, low, high = (100 * row[name] for name in ("difference", "difference_low", "difference_high"))
    return f"{row['other']} ({value:+.1f} [{low:+.1f}, {high:+.1f}], p {row['p_value']:.2g})"


def is_learned(metric: str) -> bool:
    """Whether a metric of `compare_metrics` is fitted to labels."""
    return metric in METRICS and METRICS[metric].learn is not None


def _check(metrics: Sequence[str], by: str, repeats: int) -> None:
    choices = [*METRICS, *_UNLEARNED]
    for metric in metrics:
        if metric not in choices:
            raise unknown("metric", metric, choices)
    check_metric("euclidean", by=by)
    if len(metrics) < 2:
        raise RequestError("a comparison needs two metrics or more")
    if repeats < 1:
        raise RequestError(f"{repeats} repeats make no comparison; ask for at least one")


def _differences(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    import pandas as pd

    pairs = list(combinations(estimates, 2))
    differences = [estimates[one] - estimates[other] for one, other in pairs]
    p_values = holm(np.array([difference.p_value for difference in differences]))
    rows = []
    for (one, other), difference, p_value in zip(pairs, differences, p_values, strict=True):
        low, high = difference.interval
        rows.append((one, other, difference.value, low, high, float(p_value)))
        rows.append((other, one, -difference.value, -high, -low, float(p_value)))
    names = ["metric", "other", "difference", "difference_low", "difference_high", "p_value"]
    return pd.DataFrame(rows, columns=names)


def _scores(
    method: str, table: FeatureTable, y: np.ndarray, groups: Groups, *, by: str = "genre", seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and precision at 10 of each track, (tracks, 2), and its nearest tracks; see `_score`."""
    scores = np.full((len(table), 2), np.nan)
    near = np.full((len(table), min(_FIRST, len(table))), -1)
    with one_thread():
        for rows, points in _queries(method, table, y, groups, by=by, seed=seed):
            spread = spread_of_distances(points, points).astype(np.float32) if method == MUTUAL_PROXIMITY else None
            scores[rows], near[rows] = _score(points, rows, y, groups, spread=spread)
    return scores, near


def _hubness(near: np.ndarray) -> float:
    return occurrence_skew(near[near >= 0], len(near))


def _estimate(precisions: np.ndarray, near: np.ndarray, y: np.ndarray, jackknife: Jackknife) -> Estimate:
    """The mean precision at 10, with what each artist contributes as one who asks and as one who is found.

    An artist's tracks decide on the precision of others too, in whose first ten they are. A track found adds there
    what it differs by from the other tracks of the list. Without that part intervals are a third to a half too narrow.

    Parameters
    ----------
    precisions : (tracks,), NaN where a query does not count.
    near : (tracks, 10), the nearest tracks of each, -1 where there are no more.
    """
    counted = np.isfinite(precisions)
    found = (near >= 0) & counted[:, None]
    hits = found & (y[near] == y[:, None])
    sizes = np.maximum(found.sum(axis=1, keepdims=True), 1)
    added = (hits - hits.sum(axis=1, keepdims=True) / sizes) / sizes
    influence = np.where(counted, precisions, 0.0)
    influence += np.bincount(near[found], weights=added[found], minlength=len(y))
    contributions = jackknife.linear(influence / counted.sum())
    return Estimate(float(precisions[counted].mean()), contributions, jackknife.factor)


def _queries(
    method: str, table: FeatureTable, y: np.ndarray, groups: Groups, *, by: str, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows of queries, and the points of all tracks in the space in which these are ranked."""
    if not is_learned(method):
        metric, distance = _UNLEARNED.get(method, (method, "euclidean"))
        space = fit_space(table.filled, table.y, metric=metric, distance=distance)
        return [(np.arange(len(table)), space(table.filled).astype(np.float32))]
    pairs = inner_folds(y, groups.recordings, groups.artists, folds=5, seed=seed).pairs()
    return [(test, _learned(table, train, method, by, seed)(table.filled).astype(np.float32)) for train, test in pairs]


def _learned(table: FeatureTable, train: np.ndarray, metric: str, by: str, seed: int) -> Space:
    part = table.take(train)
    distance = METRICS[metric].distance
    return fit_space(table.filled[train], labels_of(part, metric, by), metric=metric, distance=distance, seed=seed)


def _score(
    points: np.ndarray, queries: np.ndarray, y: np.ndarray, groups: Groups, *, spread: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and precision at 10 of each query, (queries, 2); and its nearest tracks, (queries, 10).

    Scores are NaN where there is no possible hit; where there are fewer tracks to be found, the rest of them are -1.
    """
    scores, nearest = [], []
    tied, recordings = groups.widest, groups.recordings
    for part in blocks(len(queries), len(points)):
        rows = queries[part]
        distances = pairwise(points[rows], points)
        if spread is not None:
            distances = -mutual_proximity(distances, spread[rows], spread)
        left_out = (tied[rows, None] == tied) | (recordings[rows, None] == recordings)
        distances[left_out] = np.inf
        first = min(_FIRST, len(points))
        near = np.argpartition(distances, first - 1, axis=1)[:, :first]
        nearest.append(np.where(np.take_along_axis(left_out, near, axis=1), -1, near))
        ranked = np.sort(distances, axis=1)
        for place, row in enumerate(rows):
            hits = distances[place, y == y[row]]
            scores.append(precision(np.sort(hits[np.isfinite(hits)]), ranked[place], left_out[place].sum()))
    return np.array(scores), np.concatenate(nearest)


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
