"""Costs: how long a fit may take, and which does not fit into memory, so that it is announced before it begins.

Estimates are those of `ModelSpec.seconds`. For 1,000,000 tracks of 185 features they are from 0.9 to 6.5 times what
``benchmarks/large_tables.py`` measured, or what follows from its fits of fewer tracks (docs/how-to-many-tracks.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.models.entry import ModelSpec

_LONG = 3600.0  # seconds of one fit
_REMEDY = "`sample=N` draws fewer tracks"


def affordable(entries: Sequence[ModelSpec], *, tracks: int, features: int) -> tuple[tuple[ModelSpec, ...], list[str]]:
    """The models that are fitted to so many tracks without being named, and a note for each of the others."""
    troubles = {entry.name: _trouble(entry, tracks, features) for entry in entries}
    kept = tuple(entry for entry in entries if not troubles[entry.name])
    return kept, [
        f"{name} is left out: {trouble}; name it to include it, or {_REMEDY}"
        for name, trouble in troubles.items()
        if trouble
    ]


def warnings(entries: Iterable[ModelSpec], *, tracks: int, features: int) -> list[str]:
    """A line for each model that may take hours, or more memory than there is."""
    troubles = {entry.name: _trouble(entry, tracks, features) for entry in entries}
    return [f"{name}: {trouble}; {_REMEDY}, or name other models" for name, trouble in troubles.items() if trouble]


def _trouble(entry: ModelSpec, tracks: int, features: int) -> str:
    """Why a fit may not end; empty where nothing speaks against it."""
    if entry.most_tracks is not None and tracks > entry.most_tracks:
        return f"more than {entry.most_tracks:,} tracks take too much memory"
    seconds = entry.seconds(tracks, features)
    return f"one fit of {tracks:,} tracks may take some {seconds / 3600:,.0f} h of one core" if seconds > _LONG else ""
