"""Names of columns: those that identify a track, and the family of a feature."""

from __future__ import annotations

import re

IDENTITY = ("track_id", "genre", "artist", "album", "title", "split", "path", "digest")

PARENT_GENRE = "parent_genre"  # where a table has it, what stands above the genre: ``Rock``, or ``Rock/Metal``

_STATISTIC = re.compile(r"_(mean|std|var|skew|kurtosis|median|min|max|log|mod\d)(_\d+)?$")
_SINGLES = {"harmonic_power": "power", "percussive_power": "power"}


def family_of(column: str) -> str:
    """The feature family that a column belongs to: ``mfcc_mean_01`` and ``mfcc1_mean`` are both ``mfcc``."""
    return _SINGLES.get(column) or _STATISTIC.sub("", column).rstrip("0123456789").rstrip("_") or column
