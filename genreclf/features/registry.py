"""The registry of feature families and of the sets that they make up.

A family turns a track's spectra into values, a column each. A feature set is a named tuple of families. Both are
registered by one call, from inside or outside the package; an installed package can name them as entry points of the
group ``genreclf.features`` instead, which are loaded when a name is asked for that is not known, or all names are::

    [project.entry-points."genreclf.features"]
    loudness = "my_package.features:LOUDNESS"

Sets and families are joined by ``+``: ``study+loudness``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from genreclf.audio import SAMPLE_RATE
from genreclf.errors import RequestError, unknown
from genreclf.features.statistics import STATISTICS, column_names, summarise
from genreclf.networks import installed
from genreclf.plugins import entries, warn_left_out

if TYPE_CHECKING:
    import numpy as np

    from genreclf.features.spectra import Spectra

ENTRY_POINTS = "genreclf.features"
DEFAULT_SET = "texture"

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class Family:
    """Features that belong together.

    Parameters
    ----------
    name : what the family is called where families are chosen or compared; lower-case letters, digits, - and _.
    columns : the names of its features, ``<family>_<statistic>_<number>`` each.
    describe : computes their values, (columns,), from a track's spectra.
    plain : computes the same values by librosa's or scipy's own functions, from the samples alone; the yardstick of
        `genreclf.verify`, which passes over a family that has none.
    sample_rate : in Hz, at which tracks are described; None for each file's own.
    phases : whether `describe` may use `Spectra.transform` or `Spectra.stft`; without, they need not be kept.
    network : the network whose weights it needs, see `genreclf.networks`; empty for none.
    """

    name: str
    columns: tuple[str, ...]
    describe: Callable[[Spectra], np.ndarray]
    plain: Callable[[Spectra], np.ndarray] | None = None
    sample_rate: int | None = int(SAMPLE_RATE)
    phases: bool = True
    network: str = ""

    def __post_init__(self) -> None:
        _check_name("feature family", self.name)
        _check_columns(self.name, self.columns)


@dataclass(frozen=True)
class FeatureSet:
    """What a row of a feature table holds.

    Parameters
    ----------
    name : as it is requested.
    title : one line for people.
    parts : the families, in the order of the columns.
    """

    name: str
    title: str
    parts: tuple[Family, ...]

    def __post_init__(self) -> None:
        _check_columns(self.name, self.columns)

    @property
    def sample_rate(self) -> int | None:
        """In Hz, at which tracks are described; None for each file's own, or where families differ."""
        rates = {family.sample_rate for family in self.parts}
        return rates.pop() if len(rates) == 1 else None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of all features, in order."""
        return tuple(column for family in self.parts for column in family.columns)

    @property
    def families(self) -> Mapping[str, tuple[str, ...]]:
        """The columns of each family, by its name, in order."""
        return {family.name: family.columns for family in self.parts}

    def weights(self) -> dict[str, str]:
        """The digests of the weights that its families need, by the names of the networks.

        Raises
        ------
        RequestError : one is not ready to run, see `genreclf.networks.installed`.
        """
        needed = dict.fromkeys(family.network for family in self.parts if family.network)
        return {name: installed(name).digest for name in needed}


def series_family(
    name: str,
    size: int,
    series: Callable[[Spectra], np.ndarray],
    *,
    statistics: tuple[str, ...] = STATISTICS,
    plain: Callable[[Spectra], np.ndarray] | None = None,
    sample_rate: int | None = int(SAMPLE_RATE),
    phases: bool = True,
) -> Family:
    """A family that summarises `size` series of frames, computed as (size, frames), by their statistics."""
    return Family(
        name=name,
        columns=column_names(name, size, statistics=statistics),
        describe=partial(_summary, series=series, statistics=statistics),
        plain=plain,
        sample_rate=sample_rate,
        phases=phases,
    )


def _summary(spectra: Spectra, *, series: Callable[[Spectra], np.ndarray], statistics: tuple[str, ...]) -> np.ndarray:
    return summarise(series(spectra), statistics=statistics)


class _FeatureSets(Mapping[str, FeatureSet]):
    """The registered feature sets by name; families and sums can be looked up too, but are not listed."""

    def __init__(self) -> None:
        self.sets: dict[str, FeatureSet] = {}
        self.families: dict[str, Family] = {}
        self.finders: list[Callable[[str], Family | None]] = []

    def __getitem__(self, name: str) -> FeatureSet:
        parts = [self._part(part) for part in name.split("+")]
        if len(parts) == 1:
            return parts[0]
        families = dict.fromkeys(family for part in parts for family in part.parts)
        return FeatureSet(name, "; ".join(part.title for part in parts), tuple(families))

    def __iter__(self) -> Iterator[str]:
        _load_installed()
        return iter(self.sets)

    def __len__(self) -> int:
        _load_installed()
        return len(self.sets)

    def _part(self, name: str) -> FeatureSet:
        if name not in self.sets and name not in self.families:
            _load_installed()
        if name in self.sets:
            return self.sets[name]
        found = (find(name) for find in self.finders)
        family = self.families.get(name) or next(filter(None, found), None)
        if family is None:
            raise KeyError(name)
        return FeatureSet(name, f"the family {name}", (family,))


_REGISTERED = _FeatureSets()
FEATURE_SETS: Mapping[str, FeatureSet] = _REGISTERED


def register(new: object) -> None:
    """Make a `Family` or a `FeatureSet` known by its name, wherever one can be requested.

    Raises
    ------
    RequestError
        If it is neither, or its name is taken or cannot be one.
    """
    if not isinstance(new, Family | FeatureSet):
        raise RequestError(f"{new!r} is neither a feature family nor a feature set; register a Family or a FeatureSet")
    kind = "feature set" if isinstance(new, FeatureSet) else "feature family"
    _check_name(kind, new.name)
    if new.name in _REGISTERED.sets or new.name in _REGISTERED.families:
        raise RequestError(f"the {kind} {new.name!r} is registered already; choose another name")
    if isinstance(new, FeatureSet):
        _REGISTERED.sets[new.name] = new
    else:
        _REGISTERED.families[new.name] = new


def register_finder(find: Callable[[str], Family | None]) -> None:
    """Make known families that come and go, by a function from a name to the family, or None.

    It is called for names that are not registered, each time.
    """
    _REGISTERED.finders.append(find)


def find_feature_set(name: str | FeatureSet) -> FeatureSet:
    """The feature set of that name, of a family of that name, or of a sum of them such as ``study+gauss``.

    A `FeatureSet` is given back as it is.

    Raises
    ------
    RequestError
        If there is none, or the parts of a sum have columns in common.
    """
    if isinstance(name, FeatureSet):
        return name
    try:
        return FEATURE_SETS[name]
    except KeyError as error:
        raise unknown("feature set", error.args[0], [*FEATURE_SETS, *_REGISTERED.families]) from None


@cache
def _load_installed() -> None:
    """Register what installed packages name as entry points; what cannot be loaded or registered is a warning."""
    for point, entry in entries(ENTRY_POINTS):
        try:
            register(entry)
        except RequestError as error:
            warn_left_out(point, str(error))


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RequestError(f"a {kind} called {name!r}; use lower-case letters, digits, - and _")


def _check_columns(name: str, columns: tuple[str, ...]) -> None:
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise RequestError(f"{name}: the column {twice!r} occurs more than once; names must be unique")
