"""Samples of tables: fewer tracks where a model or the memory cannot take all, drawn only where they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.errors import RequestError

if TYPE_CHECKING:
    import numpy as np


def check_sample(sample: int | None) -> None:
    """Raise a `RequestError` unless a table can have a sample of this size."""
    if sample is not None and sample < 1:
        raise RequestError(f"sample={sample}: give the number of tracks to draw")


def sample_rows(genres: np.ndarray, sample: int, *, seed: int) -> np.ndarray:
    """Rows drawn at random within each genre, in its proportion, as positions in ascending order.

    What is left over by rounding goes to the genres that were rounded down most.

    Parameters
    ----------
    genres : (tracks,), a label each.
    sample : how many rows to draw, at most as many as there are.
    """
    import numpy as np

    names, codes, counts = np.unique(genres.astype(str), return_inverse=True, return_counts=True)
    exact = counts * sample / len(genres)
    shares = exact.astype(int)
    for genre in np.argsort(shares - exact, kind="stable")[: sample - shares.sum()]:
        shares[genre] += 1
    # One draw for all genres: a random order, of which each genre keeps its first.
    shuffled = np.random.default_rng(seed).permutation(len(genres))
    by_genre = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    chosen = [by_genre[start : start + share] for start, share in zip(starts, shares, strict=True)]
    assert len(names) == len(chosen)  # noqa: S101
    return np.sort(np.concatenate(chosen))


def sample_note(sample: int, tracks: int, seed: int) -> str:
    """The line that says that a table is a sample."""
    return f"a sample of {sample:,} of {tracks:,} tracks, drawn at random within each genre (seed {seed})"
