"""Folds that hold every tag, and every pair of tags, in even shares, with the tracks of an artist on one side.

Iterative stratification: of the pairs of tags that are left, the one on the fewest tracks is taken first, and the
artists who have it go, the one with the most such tracks first, into the fold that still lacks the most of them; among
equals, into the one that lacks the most tracks, then at random. A tag alone counts as a pair with itself.

Sources: Sechidis, Tsoumakas and Vlahavas (2011), On the Stratification of Multi-label Data; Szymański and Kajdanowicz
(2017), A Network Perspective on Stratification of Multi-label Data (pairs of labels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError, unknown
from genreclf.evaluation.folds import Fold, Folds
from genreclf.evaluation.plans import Plan, leak_notes, plan, precision_notes
from genreclf.evaluation.protocols import CV, PROTOCOLS, Protocol, Settings, split_parts
from genreclf.plugins import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genreclf.evaluation.groups import Groups
    from genreclf.tables.table import FeatureTable


def iterative_stratification(
    Y: np.ndarray, groups: np.ndarray, shares: Sequence[float], *, seed: int = 42
) -> np.ndarray:
    """Divide tracks, the tracks of a group together.

    Parameters
    ----------
    Y : (tracks, tags), bool.
    groups : (tracks,), group codes from 0 without gaps.
    shares : of the tracks that each fold shall hold; they sum to 1.

    Returns
    -------
    (tracks,), fold numbers from 0.
    """
    held = _evidence(Y, groups)
    sizes = np.bincount(groups).astype(float)
    rng = np.random.default_rng(seed)
    tie = rng.random(len(sizes))
    left = np.asarray(held.sum(axis=0), dtype=float).ravel()
    lacking = np.outer(shares, left)
    room = np.asarray(shares) * len(Y)
    side = np.full(len(sizes), -1)
    columns = held.tocsc()

    def place(group: int, wanted: np.ndarray) -> None:
        best = np.flatnonzero(wanted == wanted.max())
        best = best[room[best] == room[best].max()]
        fold = int(best[0] if len(best) == 1 else rng.choice(best))
        own = slice(held.indptr[group], held.indptr[group + 1])
        side[group] = fold
        lacking[fold, held.indices[own]] -= held.data[own]
        left[held.indices[own]] -= held.data[own]
        room[fold] -= sizes[group]

    while (left > 0).any():
        rarest = int(np.where(left > 0, left, np.inf).argmin())
        own = slice(columns.indptr[rarest], columns.indptr[rarest + 1])
        having, counts = columns.indices[own], columns.data[own]
        free = side[having] < 0
        for k in np.lexsort((tie[having[free]], -counts[free])):
            place(int(having[free][k]), lacking[:, rarest])
        left[rarest] = 0
    for group in np.lexsort((tie, -sizes)):
        if side[group] < 0:
            place(int(group), room)
    return np.asarray(side[groups])


def _evidence(Y: np.ndarray, groups: np.ndarray):  # type: ignore[no-untyped-def]  # noqa: ANN202 - scipy.sparse has no types
    """(groups, pairs of tags), sparse: on how many tracks of a group both are; a tag alone is a pair with itself."""
    from scipy.sparse import csr_array

    tags = Y.shape[1]
    rows, pairs = [], []
    for track, group in zip(Y, groups, strict=True):
        has = np.flatnonzero(track)
        first, second = np.triu_indices(len(has))
        rows.append(np.full(len(first), group))
        pairs.append(has[first] * tags + has[second])
    row, pair = (np.concatenate([np.empty(0, dtype=np.intp), *found]) for found in (rows, pairs))
    _, column = np.unique(pair, return_inverse=True)
    shape = (int(groups.max()) + 1, int(column.max(initial=-1)) + 1)
    return csr_array((np.ones(len(row)), (row, column)), shape=shape)


def folds_of_tags(Y: np.ndarray, groups: np.ndarray, *, folds: int = 5, seed: int = 42) -> Folds:
    """Folds of a cross-validation.

    Raises
    ------
    RequestError : there are fewer than two folds, or groups.
    """
    number = len(np.unique(groups))
    if folds < 2:
        raise RequestError(f"folds={folds}: choose at least 2")
    if number < 2:
        raise RequestError("all tracks belong together, so no folds can be made; add tracks of other artists")
    notes = [] if number >= folds else [f"{number} artists: {number} folds instead of {folds}"]
    folds = min(folds, number)
    codes = np.unique(groups, return_inverse=True)[1]
    side = iterative_stratification(Y, codes, [1 / folds] * folds, seed=seed)
    made = [Fold(np.flatnonzero(side != k), np.flatnonzero(side == k)) for k in range(folds) if (side == k).any()]
    return Folds(tuple(made), tuple(notes))


def _cv(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return folds_of_tags(table.tags.matrix, _artists(table, groups), folds=settings.folds, seed=settings.seed)


def _cv_random(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return folds_of_tags(table.tags.matrix, groups.recordings, folds=settings.folds, seed=settings.seed)


def _holdout_artist(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return _held_out(table, _artists(table, groups), settings)


def _holdout(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return _held_out(table, groups.recordings, settings)


def _held_out(table: FeatureTable, tied: np.ndarray, settings: Settings) -> Folds:
    share = settings.test_size
    if not 0 < share < 1:
        raise RequestError(f"test_size={share}: choose a share between 0 and 1, for example 0.25")
    side = iterative_stratification(table.tags.matrix, tied, [share, 1 - share], seed=settings.seed)
    return _one_fold(np.flatnonzero(side == 1), np.flatnonzero(side == 0))


def _one_fold(train: np.ndarray, test: np.ndarray, notes: Sequence[str] = ()) -> Folds:
    if not len(train) or not len(test):
        raise RequestError("; ".join(["too few tracks for a part to train on and one to test on; add tracks", *notes]))
    return Folds((Fold(train, test),), tuple(notes))


def _artists(table: FeatureTable, groups: Groups) -> np.ndarray:
    if groups.artists is None:
        raise RequestError(
            f"{table.name} names no artists, so no folds can be artist-disjoint; name their column (group=COLUMN), "
            "or choose protocol=cv-random"
        )
    return groups.artists


def _split(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    """The data set's own split; training tracks whose artist or recording is also tested are left out, with a note."""
    train, test, validation = split_parts(table)
    notes = []
    if settings.train_on_validation:
        train = np.union1d(train, validation)
    elif len(validation):
        notes.append(f"validation tracks are neither trained on nor tested: {len(validation)}")
    tied = groups.widest if settings.group else groups.recordings
    shared = np.isin(tied[train], tied[test])
    if shared.any():
        what = "artists" if settings.group and groups.artists is not None else "recordings"
        notes.append(f"{int(shared.sum())} training tracks are left out, as their {what} are also tested")
    return _one_fold(train[~shared], test, notes)


_FOLDS = {
    "cv-artist": _cv,
    "cv-random": _cv_random,
    "holdout": _holdout,
    "holdout-artist": _holdout_artist,
    "split": _split,
}
TAG_PROTOCOLS: Registry[Protocol] = Registry(
    "protocol of tags",
    Protocol,
    [
        Protocol(name, known.title, _FOLDS[name], known.grouping, known.in_cv, known.options)
        for name, known in PROTOCOLS.items()
        if name in _FOLDS
    ],
)


def tag_plan(
    table: FeatureTable, groups: Groups, settings: Settings, protocol: str | None = None
) -> tuple[Plan, list[str]]:
    """The folds for a protocol, and what the user must know of them.

    Parameters
    ----------
    protocol : one of `TAG_PROTOCOLS`; ``cv`` or None is ``cv-artist``, or ``cv-random`` where no artist is known or
        `Settings.group` is off.

    Raises
    ------
    RequestError : there is no such protocol, or the table does not allow it.
    """
    name = protocol or CV
    if name == CV:
        name = "cv-artist" if settings.group and groups.artists is not None else "cv-random"
    if name not in TAG_PROTOCOLS:
        raise unknown("protocol of tags", name, [CV, *TAG_PROTOCOLS])
    made = plan(TAG_PROTOCOLS[name], table, groups, settings)
    return made, [*made.notes, *precision_notes(made, groups), *leak_notes(made, groups)]
