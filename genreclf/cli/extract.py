"""``genreclf extract``: music in, a feature table out."""

from __future__ import annotations


def extract() -> None:
    """Describe tracks and cache the features in a CSV table."""
