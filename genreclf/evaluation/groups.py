"""Groups: which rows of a table are the same recording, and which share an artist, or an album or label on request.

Two rows are one recording if their audio has the same digest, if all their features are equal, or if artist and title
are the same. Such rows never stand on both sides of a split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

# Equal rows count as one recording only where fewer pairs than this would be equal by chance: a table of tempo alone,
# which takes a few dozen values, cannot show which rows are the same music.
_CHANCE_PAIRS = 0.001
_LONGEST_ID = 48  # characters of a track's id in a note


@dataclass(frozen=True, eq=False)
class Groups:
    """The rows that must stay on one side of a split.

    Parameters
    ----------
    recordings : (tracks,), the number of the recording that each row belongs to.
    artists : (tracks,), the number of the set of rows that share an artist, a recording, or a value of a column in
        `FeatureTable.grouping`, directly or through each other, in the order of the artists' names; None where no
        artist is known.
    notes : the recordings that are in the table more than once, and how far further columns unite artists.
    """

    recordings: np.ndarray
    artists: np.ndarray | None
    notes: tuple[str, ...] = ()

    @property
    def widest(self) -> np.ndarray:
        """(tracks,), the sets of rows that are not independent: artists where known, else recordings."""
        return self.recordings if self.artists is None else self.artists

    def independent(self, rows: np.ndarray) -> np.ndarray:
        """What counts as independent among some rows: their `widest` sets, or recordings where there is only one."""
        tied = self.widest if len(np.unique(self.widest[rows])) > 1 else self.recordings
        return np.asarray(tied[rows])

    def take(self, rows: np.ndarray) -> Groups:
        """The groups of some of the rows."""
        return Groups(self.recordings[rows], None if self.artists is None else self.artists[rows], self.notes)


def find_groups(table: FeatureTable) -> Groups:
    """Find the recordings of a table, and its artists united by the recordings (and albums, labels) that they share."""
    ways = {
        "same audio": _same_audio(table),
        "equal features": _equal_features(table.X),
        "same artist and title": _same_titles(table),
    }
    recordings = joined([codes for codes in ways.values() if codes is not None], len(table))
    artists, notes = None, _notes(table, recordings, ways)
    if table.groups is not None:
        names, by_name = np.unique(table.groups.astype(str), return_inverse=True)
        further = [_codes([str(value) or None for value in table.frame[name]]) for name in table.grouping]
        artists = _in_order_of(by_name, joined([by_name, recordings, *further], len(table)), len(names))
        notes += _united(table, artists, len(names))
    return Groups(recordings, artists, notes)


def joined(labelings: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Number the sets of rows that are tied together by any of several labelings.

    Parameters
    ----------
    labelings : (rows,) integer codes each; rows with the same code are tied, a negative code ties nothing.
    rows : number of rows.

    Returns
    -------
    (rows,), numbers from 0 in the order in which the sets first appear.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    sources, targets, nodes = [], [], rows
    for codes in labelings:
        tied = np.flatnonzero(codes >= 0)
        sources.append(tied)
        targets.append(nodes + codes[tied])
        nodes += int(codes.max(initial=-1)) + 1
    source = np.concatenate([*sources, np.empty(0, dtype=int)])
    target = np.concatenate([*targets, np.empty(0, dtype=int)])
    graph = coo_matrix((np.ones(len(source), dtype=np.int8), (source, target)), shape=(nodes, nodes))
    found = connected_components(graph, directed=False)[1][:rows]
    return _in_order_of(np.arange(rows), found, rows)


def _in_order_of(rank: np.ndarray, sets: np.ndarray, ranks: int) -> np.ndarray:
    """Number sets by the lowest rank among their rows.

    scikit-learn's grouped folds depend on the order of the groups. In the order of the artists' names, the folds are
    those that it makes of the names themselves.
    """
    lowest = np.full(int(sets.max(initial=-1)) + 1, ranks)
    np.minimum.at(lowest, sets, rank)
    return np.unique(lowest[sets], return_inverse=True)[1].astype(np.intp)


def _codes(keys: Sequence[object]) -> np.ndarray:
    """A code for each distinct key, from 0; None ties nothing and gets -1."""
    seen: dict[object, int] = {}
    return np.array([-1 if key is None else seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)


def _same_audio(table: FeatureTable) -> np.ndarray | None:
    return _codes([str(digest) or None for digest in table.frame["digest"]]) if "digest" in table.frame else None


def _same_titles(table: FeatureTable) -> np.ndarray | None:
    if not {"artist", "title"} <= set(table.frame.columns):
        return None
    texts = table.frame[["artist", "title"]].astype(str).apply(lambda column: column.str.strip().str.casefold())
    return _codes([key if all(key) else None for key in texts.itertuples(index=False, name=None)])


def _equal_features(X: np.ndarray) -> np.ndarray | None:
    if _pairs_equal_by_chance(X) > _CHANCE_PAIRS:
        return None
    # Adding zero turns -0.0 into 0.0; digests keep a large table from being in memory twice.
    return _codes([hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in X])


def _pairs_equal_by_chance(X: np.ndarray) -> float:
    """The expected number of pairs of rows that agree in every column, if the columns were independent."""
    pairs = len(X) * (len(X) - 1) / 2
    expected = pairs
    for column in X.T:
        counts = np.unique(column, return_counts=True)[1].astype(float)
        expected *= (counts * (counts - 1) / 2).sum() / max(pairs, 1)
        if expected <= _CHANCE_PAIRS:
            break
    return expected


def _notes(table: FeatureTable, recordings: np.ndarray, ways: dict[str, np.ndarray | None]) -> tuple[str, ...]:
    sizes = np.bincount(recordings, minlength=1)
    several = np.flatnonzero(sizes > 1)
    if not len(several):
        return ()
    shown = [_one_note(table, np.flatnonzero(recordings == number), ways) for number in several[:3]]
    more = f"; and {len(several) - 3} more" if len(several) > 3 else ""
    return (f"recordings in the table more than once, kept on one side of every split: {'; '.join(shown)}{more}",)


def _united(table: FeatureTable, artists: np.ndarray, names: int) -> tuple[str, ...]:
    """How far the columns besides the artist unite artists; a value such as 'Various' may unite most of them."""
    if not table.grouping:
        return ()
    sizes = np.bincount(artists)
    columns = ", ".join(table.grouping)
    found = f"{names} artists form {len(sizes)} groups, the largest of {int(sizes.max())} tracks"
    return (f"tracks that share an artist or a value of {columns} stay together: {found}",)


def _shortened(track_id: str) -> str:
    return track_id if len(track_id) <= _LONGEST_ID else f"...{track_id[3 - _LONGEST_ID :]}"


def _one_note(table: FeatureTable, rows: np.ndarray, ways: dict[str, np.ndarray | None]) -> str:
    why = [
        way
        for way, codes in ways.items()
        if codes is not None and len(np.unique(codes[rows][codes[rows] >= 0])) < (codes[rows] >= 0).sum()
    ]
    ids = " = ".join(_shortened(str(table.ids[row])) for row in rows[:2])
    ids += f" = {len(rows) - 2} more" if len(rows) > 2 else ""
    labels = sorted({str(table.y[row]) for row in rows})
    different = f", labelled {' and '.join(labels)}" if len(labels) > 1 else ""
    return f"{ids} ({', '.join(why)}{different})"
