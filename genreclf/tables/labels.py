"""Tags: many labels a track, as instruments, moods, or genres that overlap.

In a file they stand in the column ``tags``, separated by ``|`` or ``;``, or in columns of 0 and 1 named ``tag:guitar``.
In memory they are a boolean matrix with a row a track and a column a tag, the tags sorted by name. A track without any
tag is one that has none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.errors import RequestError, one_line
from genreclf.tables.cells import cell
from genreclf.tables.rows import read_rows, separator_of

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import numpy as np

TAGS = "tags"
TAG_PREFIX = "tag:"  # of a column that holds 0 and 1
MIN_TRACKS, MIN_ARTISTS = 10, 3
_SEPARATORS = re.compile(r"[|;]")
_TRUTH = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "": False}


@dataclass(frozen=True, eq=False)
class Tags:
    """The tags of some tracks.

    Parameters
    ----------
    names : the tags, sorted.
    matrix : (tracks, tags), bool.
    """

    names: tuple[str, ...]
    matrix: np.ndarray

    @classmethod
    def of(cls, tracks: Sequence[Iterable[str]]) -> Tags:
        """The tags of tracks that name theirs."""
        import numpy as np

        named = [set(tags) for tags in tracks]
        names = tuple(sorted(set().union(*named)))
        column = {name: k for k, name in enumerate(names)}
        matrix = np.zeros((len(named), len(names)), dtype=bool)
        for row, tags in enumerate(named):
            matrix[row, [column[name] for name in tags]] = True
        return cls(names, matrix)

    def texts(self) -> list[str]:
        """The tags of each track as the text of a cell."""
        return [join_tags(name for name, has in zip(self.names, row, strict=True) if has) for row in self.matrix]


def split_tags(text: str) -> tuple[str, ...]:
    """The tags in a cell, in their order, without repeats."""
    return tuple(dict.fromkeys(tag for part in _SEPARATORS.split(text) if (tag := cell(part))))


def join_tags(tags: Iterable[str]) -> str:
    """The text of a cell that `split_tags` reads back.

    Raises
    ------
    RequestError : a tag holds ``|`` or ``;``.
    """
    tags = list(tags)
    odd = next((tag for tag in tags if _SEPARATORS.search(tag)), None)
    if odd is not None:
        raise RequestError(f"a tag called {odd!r}: | and ; stand between tags; rename it")
    return "|".join(tags)


def tags_of_columns(
    path: os.PathLike[str], lines: Sequence[int], texts: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """The tags of each row of a file.

    Parameters
    ----------
    lines : (rows,), the line of each row, for messages.
    texts : (rows,), the cells of the column ``tags``, empty where the file has none.
    columns : the cells, (rows,), of each column called ``tag:NAME``.

    Raises
    ------
    RequestError : such a column has no name, or a cell of it is neither 0 nor 1.
    """
    found = [split_tags(text) for text in texts]
    for column, cells in columns.items():
        name = cell(column.removeprefix(TAG_PREFIX))
        join_tags([name])
        if not name:
            raise RequestError(f"{path}: line 1: a column 'tag:' without a name; write the tag after the colon")
        for row, text in enumerate(cells):
            truth = _TRUTH.get(text.strip().lower())
            if truth is None:
                raise RequestError(f"{path}: line {lines[row]}, column {column!r}: {text!r}; write 0 or 1")
            if truth and name not in found[row]:
                found[row] += (name,)
    return found


def read_synonyms(path: Path) -> dict[str, str]:
    """Read a mapping of tags: a CSV with the columns ``tag,name``; an empty name leaves the tag out.

    Raises
    ------
    RequestError : the file cannot be read or has other columns, or a tag is mapped twice, or to one that is itself
        mapped.
    """
    rows = [(line, [cell(text) for text in cells]) for line, cells in read_rows(path, separator_of(path), strict=True)]
    if rows[0][1] != ["tag", "name"]:
        header = one_line(",".join(rows[0][1]), longest=60)
        raise RequestError(f"{path}: line 1: {header!r}; a mapping of tags begins with the line tag,name")
    synonyms: dict[str, str] = {}
    for line, (tag, name) in rows[1:]:
        if not tag or tag in synonyms:
            raise RequestError(f"{path}: line {line}: {tag!r} is mapped already; give each tag one line")
        join_tags([name])
        synonyms[tag] = name
    for line, (tag, name) in rows[1:]:
        if name != tag and synonyms.get(name, name) != name:
            raise RequestError(
                f"{path}: line {line}: {tag!r} becomes {name!r}, which becomes {synonyms[name]!r}; write that for both"
            )
    return synonyms


def choose_tags(
    tags: Tags,
    artists: np.ndarray | None,
    *,
    min_tracks: int = MIN_TRACKS,
    min_artists: int = MIN_ARTISTS,
    synonyms: Mapping[str, str] | None = None,
) -> tuple[Tags, list[str]]:
    """Merge synonyms, and leave out tags that are too rare to be learned and tested, with a note that names them.

    Parameters
    ----------
    artists : (tracks,), names; None where no artist is known, so that tracks alone are counted.
    min_tracks, min_artists : tags on fewer tracks, or by fewer artists, are left out.
    synonyms : tag to name; tags of one name become one, and those of an empty name none.

    Raises
    ------
    RequestError : a minimum is below 1.
    """
    import numpy as np

    for name, value in (("min_tracks", min_tracks), ("min_artists", min_artists)):
        if value < 1:
            raise RequestError(f"{name}={value}: choose at least 1")
    tags, notes = _merged(tags, synonyms) if synonyms else (tags, [])
    tracks = tags.matrix.sum(axis=0).tolist()
    by = tracks if artists is None else [len(set(artists[has])) for has in tags.matrix.T]
    rare = [n < min_tracks or (artists is not None and a < min_artists) for n, a in zip(tracks, by, strict=True)]
    if any(rare):
        also = "" if artists is None else f" or by fewer than {min_artists} artists"
        counts = zip(tags.names, tracks, by, rare, strict=True)
        shown = [f"{name} ({n} tracks" + (f", {a} artists)" if also else ")") for name, n, a, out in counts if out]
        notes.append(f"tags on fewer than {min_tracks} tracks{also} are left out: {', '.join(shown)}")
    keep = ~np.array(rare, dtype=bool)
    names = tuple(name for name, stays in zip(tags.names, keep.tolist(), strict=True) if stays)
    return Tags(names, tags.matrix[:, keep]), notes


def _merged(tags: Tags, synonyms: Mapping[str, str]) -> tuple[Tags, list[str]]:
    """The tags under their new names, and notes on what was merged."""
    import numpy as np

    new = [synonyms.get(name, name) for name in tags.names]
    names = tuple(sorted(set(new) - {""}))
    matrix = np.zeros((len(tags.matrix), len(names)), dtype=bool)
    for name, column in zip(new, tags.matrix.T, strict=True):
        if name:
            matrix[:, names.index(name)] |= column
    renamed = sum(before != after for before, after in zip(tags.names, new, strict=True))
    notes = [f"synonyms: {len(tags.names)} tags became {len(names)} ({renamed} renamed or left out)"]
    unused = sorted(set(synonyms) - set(tags.names))
    if unused:
        notes.append(f"synonyms of tags that no track has: {', '.join(unused)}")
    return Tags(names, matrix), notes
