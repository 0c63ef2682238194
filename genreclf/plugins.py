"""Registries, and the entries that installed packages add to them.

A registry maps names to entries: models, feature families, data sets, protocols. Its own entries come first, then
those of installed packages, which name theirs in ``pyproject.toml``::

    [project.entry-points."genreclf.datasets"]
    salami = "my_package.salami:SALAMI"

Entry points are loaded when a registry is first read, not when genreclf is imported.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Protocol, TypeVar

from genreclf.errors import RequestError, unknown


class Named(Protocol):
    """An entry of a registry: it knows the name it goes by."""

    @property
    def name(self) -> str:
        """The name under which users ask for it."""


Entry = TypeVar("Entry", bound=Named)


def entries(group: str) -> Iterator[tuple[EntryPoint, object]]:
    """What installed packages offer in a group of entry points, for example ``genreclf.models``.

    An entry point that cannot be loaded is left out with a one-line `UserWarning`.
    """
    for point in sorted(entry_points(group=group)):
        try:
            found = point.load()
        except Exception as error:  # noqa: BLE001 - another package's fault must not stop this one
            warn_left_out(point, f"{type(error).__name__}: {error}")
        else:
            yield point, found


def warn_left_out(point: EntryPoint, reason: str) -> None:
    """Warn in one line that an entry point is left out."""
    package = f" of {point.dist.name} {point.dist.version}" if point.dist else ""
    line = f"{point.group}: the entry point {point.name!r}{package} is left out: {reason}"
    warnings.warn(" ".join(line.split()), UserWarning, stacklevel=2)


class Registry(Mapping[str, Entry], Generic[Entry]):
    """Entries by their names, in the order of registration.

    Parameters
    ----------
    what : what an entry is, for messages: ``data set``.
    kind : the type of an entry.
    own : the entries of genreclf itself.
    group : group of entry points that is read as well; None for none.
    """

    def __init__(self, what: str, kind: type[Entry], own: Iterable[Entry] = (), *, group: str | None = None) -> None:
        self._what = what
        self._kind = kind
        self._entries: dict[str, Entry] = {}
        self._pending = group
        for entry in own:
            self._add(entry, replace=False)

    def register(self, entry: Entry, *, replace: bool = False) -> Entry:
        """Add an entry, and return it; with `replace` it takes the place of one of the same name.

        Raises
        ------
        RequestError : the entry is of another type, has no usable name, or its name is taken.
        """
        self._load()
        self._add(entry, replace=replace)
        return entry

    def find(self, name: str) -> Entry:
        """The entry of a name.

        Raises
        ------
        RequestError : there is none; the line lists the choices and the nearest.
        """
        if name not in self:
            raise unknown(self._what, name, self)
        return self[name]

    def __getitem__(self, name: str) -> Entry:
        self._load()
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(self._entries)

    def __len__(self) -> int:
        self._load()
        return len(self._entries)

    def _add(self, entry: object, *, replace: bool) -> None:
        if not isinstance(entry, self._kind):
            raise RequestError(f"{entry!r} is not a {self._what}; register a {self._kind.__name__}")
        name = entry.name
        if not re.fullmatch(r"\w[\w-]*", name):
            raise RequestError(f"{name!r} is no name for a {self._what}; use letters, digits, '-' and '_'")
        if name in self._entries and not replace and self._entries[name] is not entry:
            raise RequestError(f"there is a {self._what} {name!r} already; choose another name or pass replace=True")
        self._entries[name] = entry

    def _load(self) -> None:
        """Read the entry points, once."""
        if self._pending is None:
            return
        # First, since an entry point's package may itself read the registry.
        group, self._pending = self._pending, None
        for point, entry in entries(group):
            try:
                self._add(entry, replace=False)
            except RequestError as error:
                warn_left_out(point, str(error))
