"""Indexing: feature tables in, an index of similar tracks or a file of its vectors out.

An `Index` compares a track with all others. Above `EXACT_LIMIT` tracks a `LargeIndex` searches inverted lists, and
above `SINGLE_LIMIT` it keeps its points in 16 bits.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.datasets import open_table
from genreclf.errors import RequestError, unknown
from genreclf.similarity import large_index
from genreclf.similarity.description import HUBNESS
from genreclf.similarity.index import KIND, Index, measured_skew, spread_of
from genreclf.similarity.large_index import LargeIndex, is_large_index
from genreclf.similarity.lists import steps_of
from genreclf.similarity.metrics import METRICS, check_labels, check_metric, fit_space, labels_of, standard_deviations
from genreclf.similarity.querying import check_complete, columns_of, identity_of, made_with, points_of
from genreclf.similarity.series import kind_of, with_series
from genreclf.similarity.vectors import check_parquet, export_vectors

if TYPE_CHECKING:
    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable

EXACT_LIMIT = 100_000
SINGLE_LIMIT = 1_000_000
BITS = (16, 32)


@dataclass(frozen=True)
class Indexing:
    """What `make_index` wrote.

    Parameters
    ----------
    path : the index, or the Parquet file of vectors.
    index : what was written, or whose vectors were.
    vectors : only vectors were written.
    added : number of tracks added to an index that was there; None for a new one.
    """

    path: Path
    index: Index | LargeIndex
    vectors: bool = False
    added: int | None = None

    def __str__(self) -> str:
        index = self.index
        if self.vectors:
            return f"{self.path}: {len(index)} vectors of {index.dimensions} dimensions"
        if self.added is not None:
            return f"{self.path}: {self.added} tracks added, {len(index)} in all"
        return (
            f"{self.path}: {len(index)} tracks, metric {index.metric}, hubness {index.hubness}; skewness of the "
            f"10-occurrence {index.skew:.2f} (0: no hubs; above 1: some tracks are close to everything)"
        )


def make_index(
    source: Path | str,
    output: Path | str,
    *,
    append: bool = False,
    subset: str | None = None,
    label: str | None = None,
    id: str | None = None,  # noqa: A002 - the name that the command uses
    seed: int = 42,
    **how: Any,  # noqa: ANN401 - typed in `build_index`
) -> Indexing:
    """Index the tracks of a table, add them to an index, or write the vectors of either to Parquet.

    Parameters
    ----------
    source : a feature table, see `genreclf.datasets.open_table`; or an index, to export its vectors.
    output : the index to write, or NAME.parquet for the vectors alone.
    append : add the tracks that the index at `output` does not have yet.
    subset, label, id : of the table.
    how : options of `build_index`.

    Raises
    ------
    RequestError : an option makes no sense, or a file cannot be read or written.
    """
    output, from_index = Path(output), is_index(Path(source))
    vectors = output.suffix.lower() == ".parquet"
    defaults = signature(build_index).parameters
    changed = any(value != defaults[name].default for name, value in how.items())
    if (append and vectors) or ((append or from_index) and changed):
        raise RequestError("an index that is there keeps how it was made; give the source and -o, and no other option")
    if from_index and not vectors:
        raise RequestError(f"{source}: an index; to export its vectors, choose -o NAME.parquet")
    (check_parquet if vectors else check_place)(output)
    if from_index:
        index = open_index(source)
    else:
        table = open_table(source, subset=subset, label=label, id=id)
        before = open_index(output) if append else None
        kind = None if before is None else kind_of(before.feature_set)
        table = table if kind is None else with_series(table, kind)
        index = build_index(table, **how, seed=seed) if before is None else before.extend(table)
    if vectors:
        export_vectors(index, output)
        return Indexing(output, index, vectors=True)
    index.save(output)
    return Indexing(output, index, added=None if before is None else len(index) - len(before))


def build_index(
    table: FeatureTable,
    *,
    series: Series | str | Path | None = None,
    metric: str = "euclidean",
    by: str = "genre",
    distance: str | None = None,
    hubness: str = "none",
    approximate: bool | None = None,
    bits: int | None = None,
    seed: int = 42,
) -> Index | LargeIndex:
    """Make an index of the tracks of a table.

    Parameters
    ----------
    series : tracks are compared by these instead of the table's features: by the mean and the standard deviation of
        each bin over the frames. See `genreclf.series.find_series`.
    metric : ``euclidean`` on standardised features; or learned, by a projection, ``lda`` or ``nca``, or by a network,
        ``triplet`` or ``siamese``, or from the tags, ``tags``.
    by : the labels that a metric is learned from: ``genre``, ``artist``, or for a network ``tags``.
    distance : ``euclidean`` or ``cosine``; by default cosine for networks, and Euclidean for the others.
    hubness : how hubness is reduced: ``none`` or ``mutual-proximity``, which goes with exact search.
    approximate : search inverted lists; by default above `EXACT_LIMIT` tracks.
    bits : of a coordinate in inverted lists, 32 or 16; by default 16 above `SINGLE_LIMIT` tracks, unless that would
        move the points too far, see `genreclf.similarity.lists.steps_of`.
    seed : of samples, of NCA, and of k-means.

    Raises
    ------
    RequestError : an option makes no sense or does not suit the table.
    """
    if series is not None:
        table = with_series(table, series)
    if approximate is None:
        approximate = hubness == "none" and len(table) > EXACT_LIMIT
    _check_options(table, metric=metric, by=by, distance=distance, hubness=hubness, approximate=approximate, bits=bits)
    standard_deviations(table)  # raises on values that cannot be standardised
    distance = distance or METRICS[metric].distance
    check_labels(table, metric, by)
    space = fit_space(table.X, labels_of(table, metric, by), metric=metric, distance=distance, seed=seed)
    points = points_of(space, table)
    if bits == 16 and steps_of(points) is None:
        raise RequestError(
            f"{table.name}: some track lies so far off that 16 bits would be too coarse for the others; choose bits=32"
        )
    index = Index(
        points=points,
        spread=spread_of(points, points, seed=seed) if hubness != "none" else np.zeros((0, 2)),
        tracks=identity_of(table, columns_of(table)),
        space=space,
        features=table.features,
        metric=metric,
        distance=distance,
        hubness=hubness,
        **made_with(table),
    )
    index = replace(index, skew=measured_skew(index, seed=seed))
    if approximate:
        return LargeIndex.of(index, bits=bits or (16 if len(table) > SINGLE_LIMIT else 32), seed=seed)
    return index


def open_index(path: Path | str) -> Index | LargeIndex:
    """Open an index of either kind.

    Raises
    ------
    RequestError : it is missing, altered, not an index, or made by a newer version.
    """
    return LargeIndex.load(path) if Path(path).is_dir() else Index.load(path)


def is_index(path: Path) -> bool:
    """Whether there is a file or a folder that looks like an index."""
    if is_large_index(path):
        return True
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 200))
            return KIND.comment("")[:-1] in stream.read()
    except (OSError, ValueError):
        return False


def check_place(path: Path) -> None:
    """Refuse a place for an index before work begins.

    Raises
    ------
    RequestError : something else is there.
    """
    if is_large_index(path):
        return
    if path.is_dir():
        large_index.check_place(path)
    KIND.check_place(path)


def _check_options(
    table: FeatureTable,
    *,
    metric: str,
    by: str,
    distance: str | None,
    hubness: str,
    approximate: bool,
    bits: int | None,
) -> None:
    check_metric(metric, by=by, distance=distance)
    if by != "genre" and not METRICS[metric].learn:
        raise RequestError(f"the metric {metric} is not learned; leave out by={by}, or choose another metric")
    if hubness not in HUBNESS:
        raise unknown("hubness reduction", hubness, HUBNESS)
    if bits is not None and bits not in BITS:
        raise RequestError(f"bits={bits}: points are kept in 16 or 32 bits a coordinate")
    if len(table) < 2:
        raise RequestError(f"{table.name}: an index needs at least two tracks; there is {len(table)}")
    check_complete(table)
    if approximate and hubness != "none":
        raise RequestError(f"hubness={hubness} goes with exact search; leave out approximate=True")
    if bits == 16 and not approximate:
        raise RequestError("bits=16 goes with inverted lists; add approximate=True")
    largest = KIND.members["points.npy"]
    if not approximate and 4 * len(table) * len(table.features) > largest and METRICS[metric].learn is None:
        raise RequestError(
            f"{table.name}: {len(table):,} tracks of {len(table.features)} features are more than an index that is "
            f"searched exactly can hold, {largest:,} bytes; leave out approximate=False and hubness={hubness}"
        )
