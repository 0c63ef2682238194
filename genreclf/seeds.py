"""Seeds: which numbers may be one."""

from __future__ import annotations

from genreclf.errors import RequestError

MAX_SEED = 2**32 - 1  # numpy's legacy generators, which scikit-learn uses, take no other


def check_seed(seed: int) -> None:
    """Raise a `RequestError` unless every random generator takes the seed."""
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"a seed of {seed} makes no sense; give a whole number from 0 to {MAX_SEED}")
