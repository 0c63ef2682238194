"""Costs: how long a fit may take, so that what would take hours is announced before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.models.entry import ModelSpec

_LONG = 3600.0  # seconds of one fit
_REMEDY = "`sample=N` draws fewer tracks"


def affordable(entries: Sequence[ModelSpec], *, tracks: int, features: int) -> tuple[tuple[ModelSpec, ...], list[str]]:
    """The models that are fitted to so many tracks without being named, and a note for each of the others."""
    notes = {}
    for entry in entries:
        if entry.most_tracks is not None and tracks > entry.most_tracks:
            notes[entry.name] = f"more than {entry.most_tracks:,} tracks take too much memory; name it to include it"
        elif (seconds := entry.seconds(tracks, features)) > _LONG:
            notes[entry.name] = f"{_estimate(seconds, tracks)}; name it to include it, or {_REMEDY}"
    kept = tuple(entry for entry in entries if entry.name not in notes)
    return kept, [f"{name} is left out: {why}" for name, why in notes.items()]


def warnings(entries: Iterable[ModelSpec], *, tracks: int, features: int) -> list[str]:
    """A line for each model that may take hours."""
    estimates = {entry.name: entry.seconds(tracks, features) for entry in entries}
    return [
        f"{name}: {_estimate(seconds, tracks)}; {_REMEDY}, or name other models"
        for name, seconds in estimates.items()
        if seconds > _LONG
    ]


def _estimate(seconds: float, tracks: int) -> str:
    return f"one fit of {tracks:,} tracks may take some {seconds / 3600:,.0f} h of one core"
