"""Folds: stratified, repeatable, with everything that belongs together on one side.

A fold is two arrays of row numbers: the rows trained on and the rows tested. Where no recording is in the table twice,
random folds and holdout are scikit-learn's own for the same seed; so are grouped folds where each holds every genre.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genreclf.errors import RequestError

_ATTEMPTS = 10
_DIVISIONS = 100  # of artists, of which a holdout takes the one with the most even genres


@dataclass(frozen=True, eq=False)
class Fold:
    """Row numbers to train on and to test on.

    Parameters
    ----------
    validation : rows to choose parameters on, where a split names some; None makes folds of `train` for that. They
        may be part of `train`.
    """

    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds and what the user must know of them."""

    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = ()

    def sides(self, rows: int) -> np.ndarray:
        """(rows,), the fold that tests each row, from 0; -1 where none does."""
        side = np.full(rows, -1)
        for number, fold in enumerate(self.folds):
            side[fold.test] = number
        return side

    def pairs(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """As scikit-learn takes them for ``cv``."""
        return [(fold.train, fold.test) for fold in self.folds]


def random_folds(y: np.ndarray, recordings: np.ndarray, *, folds: int = 5, seed: int = 42) -> Folds:
    """Stratified folds; the rows of one recording go where its first row goes.

    Parameters
    ----------
    y : (tracks,), genres, each with at least two recordings.
    recordings : (tracks,), the recording of each row, counted from 0.

    Raises
    ------
    RequestError : there are fewer than two folds, or more than the largest genre has recordings.
    """
    from sklearn.model_selection import StratifiedKFold

    _check_folds(folds)
    rows = _rows_to_split(recordings)
    labels = y[rows].astype(str)
    largest = _largest_genre(labels)
    if folds > largest:
        raise RequestError(f"folds={folds}: no genre has more than {largest} tracks; choose fewer folds")
    side = np.zeros(len(y), dtype=int)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for number, (_, test) in enumerate(splitter.split(rows, labels)):
            side[rows[test]] = number
    return folds_of_sides(y, _with_first(side, recordings), folds, "tracks", ())


def grouped_folds(y: np.ndarray, groups: np.ndarray, *, folds: int = 5, seed: int = 42) -> Folds:
    """Stratified folds with each group (an artist and whatever is tied to them) on one side.

    Stratified grouping can leave a genre out of a fold. The next seeds are tried then, and the folds with the fewest
    such gaps are taken; the gaps that remain are noted.

    Parameters
    ----------
    y : (tracks,), genres.
    groups : (tracks,), group numbers.

    Raises
    ------
    RequestError : there are no two folds that both leave two genres to train on.
    """
    _check_folds(folds)
    number_of_groups = len(np.unique(groups))
    notes: list[str] = []
    if number_of_groups < 2:
        raise RequestError("artist-disjoint folds need at least two artists; choose protocol=cv-random")
    if number_of_groups < folds:
        notes.append(f"{number_of_groups} artists: {number_of_groups} folds instead of {folds}")
        folds = number_of_groups
    possible = _artists_by_genre(y, groups).min() >= folds
    best: tuple[int, int, np.ndarray] | None = None
    for attempt in range(_ATTEMPTS if possible else 1):
        side = _grouped_sides(y, groups, folds, (seed + attempt) % 2**32)
        gaps = _gaps(y, side, folds)
        if best is None or gaps < best[0]:
            best = (gaps, attempt, side)
        if gaps == 0:
            break
    assert best is not None  # noqa: S101 - the loop runs at least once
    if best[1]:
        taken = (seed + best[1]) % 2**32
        notes.append(f"the folds were made with seed {taken}, as with seed {seed} a fold would lack a genre")
    return folds_of_sides(y, best[2], folds, "artists", tuple(notes))


def holdout(y: np.ndarray, recordings: np.ndarray, *, test_size: float = 0.25, seed: int = 42) -> Folds:
    """One stratified random split; the rows of one recording go where its first row goes.

    Raises
    ------
    RequestError : the share to test on does not leave every genre on both sides.
    """
    from sklearn.model_selection import train_test_split

    _check_share(test_size)
    rows = _rows_to_split(recordings)
    try:
        train, test = train_test_split(rows, test_size=test_size, stratify=y[rows].astype(str), random_state=seed)
    except ValueError as error:
        raise RequestError(
            f"test_size={test_size} does not leave every genre on both sides ({error}); choose another share"
        ) from None
    side = np.ones(len(y), dtype=int)
    side[test] = 0
    made = folds_of_sides(y, _with_first(side, recordings), 1, "tracks", ())
    # Boosting and forests draw rows by position, so the rows stand in scikit-learn's order.
    order = np.concatenate([train, test, np.setdiff1d(np.arange(len(y)), rows)])
    place = np.argsort(order)
    ordered = (Fold(*(part[np.argsort(place[part])] for part in (f.train, f.test))) for f in made.folds)
    return Folds(tuple(ordered), made.notes)


def grouped_holdout(y: np.ndarray, groups: np.ndarray, *, test_size: float = 0.25, seed: int = 42) -> Folds:
    """One split with each group (an artist and whatever is tied to them) on one side.

    Of a hundred random divisions of the groups, the one is taken that leaves every genre on both sides, if any does,
    and whose test part is nearest to the share of each genre's tracks.

    Parameters
    ----------
    y : (tracks,), genres.
    groups : (tracks,), group numbers.

    Raises
    ------
    RequestError : there are fewer than two groups, or no division leaves two genres to train on.
    """
    from sklearn.model_selection import GroupShuffleSplit

    _check_share(test_size)
    number = len(np.unique(groups))
    if number < 2:
        raise RequestError("an artist-disjoint split needs at least two artists; choose protocol=holdout")
    share = min(max(test_size, 1 / number), 1 - 1 / number)  # at least one group on each side
    splitter = GroupShuffleSplit(_DIVISIONS, test_size=share, random_state=seed)
    codes, sizes = np.unique(y.astype(str), return_inverse=True, return_counts=True)[1:]

    def unevenness(part: tuple[np.ndarray, np.ndarray]) -> tuple[int, float]:
        tested = np.bincount(codes[part[1]], minlength=len(sizes)) / sizes
        return int(((tested == 0) | (tested == 1)).sum()), float(np.abs(tested - test_size).sum())

    _, test = min(splitter.split(y, y, groups), key=unevenness)
    side = np.ones(len(y), dtype=int)
    side[test] = 0
    return folds_of_sides(y, side, 1, "artists", ())


def inner_folds(
    y: np.ndarray, recordings: np.ndarray, artists: np.ndarray | None = None, *, folds: int = 5, seed: int = 42
) -> Folds:
    """Folds inside a training part: to choose parameters, or to calibrate.

    Where there are too few artists for artist-disjoint folds, recordings still stay on one side.

    Parameters
    ----------
    y : (tracks,), genres.
    recordings : (tracks,), numbers of the recordings.
    artists : (tracks,), numbers of the groups to keep on one side; None where artists may stand on both.

    Raises
    ------
    RequestError : there are too few tracks for two folds that train on two genres.
    """
    if artists is not None:
        try:
            return grouped_folds(y, artists, folds=folds, seed=seed)
        except RequestError:
            pass
    recordings = np.unique(recordings, return_inverse=True)[1]
    possible = min(folds, _largest_genre(y[_rows_to_split(recordings)]))
    try:
        return random_folds(y, recordings, folds=possible, seed=seed)
    except RequestError:
        raise RequestError("too few tracks of a genre for folds inside the training part; add tracks") from None


def one_fold(y: np.ndarray, train: np.ndarray, test: np.ndarray) -> Folds:
    """The fold of a given split, with notes on genres that it lacks.

    Raises
    ------
    RequestError : fewer than two genres to train on, or nothing to test on.
    """
    side = np.full(len(y), -1)
    side[train], side[test] = 1, 0
    return folds_of_sides(y, side, 1, "tracks", ())


def _rows_to_split(recordings: np.ndarray) -> np.ndarray:
    """The rows to divide: all, as scikit-learn does, where few recordings repeat; else one of each recording."""
    first = np.unique(recordings, return_index=True)[1]
    return np.arange(len(recordings)) if len(first) >= 0.9 * len(recordings) else np.sort(first)


def _with_first(side: np.ndarray, recordings: np.ndarray) -> np.ndarray:
    """Put every row on the side of the first row of its recording."""
    first = np.unique(recordings, return_index=True)[1]
    return np.asarray(side[first][recordings])


def _check_share(test_size: float) -> None:
    if not 0 < test_size < 1:
        raise RequestError(f"test_size={test_size}: choose a share between 0 and 1, for example 0.25")


def _check_folds(folds: int) -> None:
    if folds < 2:
        raise RequestError(f"folds={folds}: choose at least 2")


def _grouped_sides(y: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import StratifiedGroupKFold

    side = np.empty(len(y), dtype=int)
    splitter = StratifiedGroupKFold(min(folds, _largest_genre(y)), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for number, (_, test) in enumerate(splitter.split(y, y.astype(str), groups)):
            side[test] = number
    return side


def _largest_genre(y: np.ndarray) -> int:
    return int(np.unique(y.astype(str), return_counts=True)[1].max())


def _artists_by_genre(y: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return np.array([len(np.unique(groups[y == genre])) for genre in np.unique(y.astype(str))])


def _gaps(y: np.ndarray, side: np.ndarray, folds: int) -> int:
    """Number of times that a genre is missing where a fold trains or tests."""
    gaps = 0
    for genre in np.unique(y.astype(str)):
        held = np.bincount(side[y == genre], minlength=folds)
        gaps += int((held == 0).sum() + (held == held.sum()).sum())
    return gaps


def folds_of_sides(y: np.ndarray, side: np.ndarray, folds: int, what: str, notes: Sequence[str] = ()) -> Folds:
    """Make folds from sides, with notes on what they lack.

    A row with side k is tested in fold k and trained on in the others; a row with a negative side takes no part.
    """
    made: list[Fold] = []
    notes = list(notes)
    for number in range(folds):
        test = np.flatnonzero(side == number)
        train = np.flatnonzero((side >= 0) & (side != number))
        if not len(test):
            notes.append(f"fold {number + 1} of {folds} is left out, as it would hold no track")
        else:
            made.append(Fold(train, test))
    for fold in made:
        if len(np.unique(y[fold.train].astype(str))) < 2:
            raise RequestError(f"a fold would train on fewer than two genres; add {what} of other genres")
    if len(made) < min(folds, 2):
        raise RequestError(f"too few {what} to make two folds; add {what}")
    return Folds(tuple(made), (*notes, *_missing_genres(y, made, what)))


def _missing_genres(y: np.ndarray, folds: Sequence[Fold], what: str) -> list[str]:
    notes = []
    for genre in sorted({str(g) for fold in folds for g in (*y[fold.train], *y[fold.test])}):
        for part, name, consequence in (("train", "training", "predicted"), ("test", "test", "tested")):
            gaps = [str(k) for k, fold in enumerate(folds, start=1) if genre not in y[getattr(fold, part)]]
            if gaps:
                where = f" of fold {', '.join(gaps)}" if len(folds) > 1 else ""
                notes.append(
                    f"genre {genre!r}: too few {what} for the {name} part{where}, so never {consequence} there"
                )
    return notes
