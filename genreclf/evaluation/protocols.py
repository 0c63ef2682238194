"""Protocols: who is trained on and who is tested.

`PROTOCOLS` is the one registry: help texts, choices and titles come from it, and `register` adds to it from outside.
The name ``cv`` stands for all protocols that it includes: ``cv-artist`` where artists are known, and ``cv-random``
beside it, so that artist leak shows. How a protocol is applied to a table is in `genreclf.evaluation.plans`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from genreclf.errors import RequestError, unknown
from genreclf.evaluation.folds import (
    Folds,
    folds_of_sides,
    grouped_folds,
    grouped_holdout,
    holdout,
    one_fold,
    random_folds,
)
from genreclf.evaluation.repeats import divide_again
from genreclf.plugins import Registry

if TYPE_CHECKING:
    from genreclf.evaluation.groups import Groups
    from genreclf.tables.table import FeatureTable

CV = "cv"
STUDY_SEED = 42
STUDY_TEST_SIZE = 0.25

_TRAINING = ("train", "training")
_VALIDATION = ("val", "valid", "validation", "dev")
_TEST = ("test", "testing")


@dataclass(frozen=True)
class Settings:
    """The options of protocols.

    Parameters
    ----------
    folds : number of folds of a cross-validation.
    test_size : share of the tracks that ``holdout`` tests on.
    seed : seed of the folds.
    group : whether artists stay on one side where they are known.
    train_on_validation : whether ``split`` trains on its validation tracks as well.
    tune : whether ``split`` chooses parameters on its validation tracks.
    repeats : how often the folds of a cross-validation are drawn.
    """

    folds: int = 5
    test_size: float = 0.25
    seed: int = 42
    group: bool = True
    train_on_validation: bool = False
    tune: bool = False
    repeats: int = 1


@dataclass(frozen=True)
class Protocol:
    """One way of dividing a table into what is trained on and what is tested.

    Parameters
    ----------
    name, title : what it is called as an option, and in texts and pictures.
    folds : makes the folds of a table. They are checked, see `genreclf.evaluation.plans.plan`.
    grouping : what must not stand on both sides: ``artists``; ``recordings``, so that artists may; or ``optional``,
        which is artists unless `Settings.group` is off.
    in_cv : whether ``cv`` includes it; a protocol that groups by artist is included where artists are known.
    options : which of ``folds``, ``test_size``, ``train_on_validation`` and ``test_table`` it takes; one that takes a
        table needs one.
    again : draws its folds again, unlike the first; None where there is only one way to divide a table.
    """

    name: str
    title: str
    folds: Callable[[FeatureTable, Groups, Settings], Folds]
    grouping: Literal["artists", "recordings", "optional"] = "recordings"
    in_cv: bool = False
    options: tuple[str, ...] = ()
    again: Callable[[FeatureTable, Groups, Settings, Folds], list[Folds]] | None = None


def register(protocol: Protocol, *, replace: bool = False) -> Protocol:
    """Add a protocol, and return it; with `replace` it takes the place of one of the same name.

    Raises
    ------
    RequestError : its name is taken or cannot be used.
    """
    return PROTOCOLS.register(protocol, replace=replace)


def choices() -> list[str]:
    """The names that a user can ask for, ``cv`` before those that it includes."""
    names = list(PROTOCOLS)
    first = next((place for place, name in enumerate(names) if PROTOCOLS[name].in_cv), len(names))
    return [*names[:first], CV, *names[first:]]


def title(name: str) -> str:
    """The title of a protocol; of an unknown one, such as an old report may hold, its name."""
    return PROTOCOLS[name].title if name in PROTOCOLS else "cross-validation" if name == CV else name


def choose(
    protocol: str | None, table: FeatureTable, settings: Settings, *, crossed: bool = False
) -> tuple[Protocol, ...]:
    """The protocols to run for what was requested: ``cv`` stands for one or two of them.

    Parameters
    ----------
    protocol : one of `choices`; None is ``cv``, or ``cross`` with a second table.
    crossed : whether there is a second table to test on.

    Raises
    ------
    RequestError : there is no such protocol, or it does not take an option that was changed.
    """
    requested = protocol or ("cross" if crossed else CV)
    if requested not in choices():
        raise unknown("protocol", requested, choices())
    chosen = _behind(requested)
    changed = {
        "folds": settings.folds if settings.folds != Settings.folds else None,
        "test_size": settings.test_size if settings.test_size != Settings.test_size else None,
        "train_on_validation": True if settings.train_on_validation else None,
        "test_table": "TABLE" if crossed else None,
    }
    for option, value in changed.items():
        if value is not None and not _takes(requested, option):
            takers = " or ".join(name for name in choices() if _takes(name, option))
            raise RequestError(f"{option}={value} goes with protocol {takers}, not with {requested!r}; leave it out")
    if not crossed and _takes(requested, "test_table"):
        raise RequestError(f"protocol {requested!r} tests on a second table; give it as test_table=TABLE")
    if requested == CV and not (settings.group and table.groups is not None):
        return tuple(entry for entry in chosen if entry.grouping != "artists")
    return chosen


def _behind(name: str) -> tuple[Protocol, ...]:
    return tuple(entry for entry in PROTOCOLS.values() if (entry.in_cv if name == CV else entry.name == name))


def _takes(name: str, option: str) -> bool:
    return any(option in entry.options for entry in _behind(name))


def _study(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    del settings
    return holdout(table.y, groups.recordings, test_size=STUDY_TEST_SIZE, seed=STUDY_SEED)


def _holdout(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return holdout(table.y, groups.recordings, test_size=settings.test_size, seed=settings.seed)


def _holdout_artist(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    artists = _artists(table, groups, otherwise="holdout")
    return grouped_holdout(table.y, artists, test_size=settings.test_size, seed=settings.seed)


def _cv_artist(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    artists = _artists(table, groups, otherwise="cv-random")
    return grouped_folds(table.y, artists, folds=settings.folds, seed=settings.seed)


def _artists(table: FeatureTable, groups: Groups, *, otherwise: str) -> np.ndarray:
    if groups.artists is None:
        raise RequestError(
            f"{table.name} names no artists, so no folds can be artist-disjoint; name their column (group=COLUMN), "
            f"or choose protocol={otherwise}"
        )
    y = table.y.astype(str)
    testable = [genre for genre in np.unique(y) if len(np.unique(groups.artists[y == genre])) > 1]
    if len(testable) < 2:
        raise RequestError(
            f"fewer than two genres of {table.name} have two artists each, as artist-disjoint folds need; choose "
            f"protocol={otherwise}"
        )
    return groups.artists


def _cv_random(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return random_folds(table.y, groups.recordings, folds=settings.folds, seed=settings.seed)


def _artists_again(table: FeatureTable, groups: Groups, settings: Settings, first: Folds) -> list[Folds]:
    assert groups.artists is not None  # noqa: S101 - the first folds were made of them
    codes = np.unique(table.y.astype(str), return_inverse=True)[1]
    sides = divide_again(codes, groups.artists, first.sides(len(codes)), repeats=settings.repeats, seed=settings.seed)
    return [folds_of_sides(table.y, side, len(first.folds), "artists") for side in sides[1:]]


def _random_again(table: FeatureTable, groups: Groups, settings: Settings, first: Folds) -> list[Folds]:
    del first
    seeds = range(settings.seed + 1, settings.seed + settings.repeats)
    return [random_folds(table.y, groups.recordings, folds=settings.folds, seed=seed % 2**32) for seed in seeds]


def split_parts(table: FeatureTable) -> list[np.ndarray]:
    """The rows that the column ``split`` calls training, test and validation."""
    if "split" not in table.frame:
        others = ", ".join(name for name in choices() if name != "split")
        raise RequestError(f"{table.name} has no column 'split'; choose another protocol: {others}")
    parts = np.array([str(part).strip().casefold() for part in table.frame["split"]])
    train, test, validation = (np.flatnonzero(np.isin(parts, names)) for names in (_TRAINING, _TEST, _VALIDATION))
    if not len(train) or not len(test):
        found = ", ".join(sorted({repr(str(p)) for p in table.frame["split"]})[:6])
        raise RequestError(
            f"{table.name}: the column 'split' must hold 'training' and 'test' (and may hold 'validation'); "
            f"it holds {found}"
        )
    return [train, test, validation]


def _split(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    train, test, validation = split_parts(table)
    if settings.train_on_validation and not len(validation):
        raise RequestError(
            f"{table.name}: no track is marked 'validation' in the column 'split'; leave out train_on_validation=True"
        )
    notes = []
    other = len(table) - len(train) - len(test) - len(validation)
    if other:
        notes.append(f"tracks left out for want of a known split: {other}")
    tied = groups.widest if settings.group else groups.recordings
    tuned_on = validation[~np.isin(tied[validation], tied[test])] if settings.tune else np.empty(0, dtype=int)
    if len(tuned_on):
        notes.append(f"parameters are chosen on the validation tracks: {len(tuned_on)}")
    if settings.train_on_validation:
        notes.append(f"validation tracks are trained on as well: {len(validation)}")
        train = np.union1d(train, validation)
    elif len(validation) and not len(tuned_on):
        notes.append(f"validation tracks are neither trained on nor tested: {len(validation)}")
    shared = np.isin(tied[train], tied[test])
    if shared.any():
        why = "recordings are also tested"
        if settings.group and groups.artists is not None:
            why = "artists are also tested; without grouping by artist they would be kept"
        notes.append(f"{int(shared.sum())} training tracks are left out, as their {why}")
    try:
        made = one_fold(table.y, train[~shared], test)
    except RequestError as error:
        raise RequestError("; ".join([str(error), *notes])) from None
    folds = tuple(replace(fold, validation=tuned_on) for fold in made.folds) if len(tuned_on) else made.folds
    return Folds(folds, (*notes, *made.notes))


PROTOCOLS: Registry[Protocol] = Registry(
    "protocol",
    Protocol,
    (
        Protocol("study", "the study's random split", _study),
        Protocol("holdout", "a random split", _holdout, options=("test_size",)),
        Protocol("holdout-artist", "an artist-disjoint split", _holdout_artist, "artists", options=("test_size",)),
        Protocol(
            "cv-artist",
            "artist-disjoint cross-validation",
            _cv_artist,
            "artists",
            in_cv=True,
            options=("folds",),
            again=_artists_again,
        ),
        Protocol(
            "cv-random", "random cross-validation", _cv_random, in_cv=True, options=("folds",), again=_random_again
        ),
        Protocol("split", "the data set's own split", _split, "optional", options=("train_on_validation",)),
        Protocol("cross", "training on one table, testing on another", _split, "optional", options=("test_table",)),
    ),
)
