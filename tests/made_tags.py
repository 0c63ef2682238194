"""A made-up table with tags that overlap and follow from the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from made_up import made_up_table

from genreclf.tables.labels import Tags

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable


def made_up_tags(*, tracks: int = 160, tags: int = 4, noise: float = 0.3, seed: int = 0) -> FeatureTable:
    """Gaussian features of artists; each tag is a direction in them, plus noise."""
    table = made_up_table(tracks=tracks, seed=seed)
    rng = np.random.default_rng([seed, 1])
    scores = table.X @ rng.normal(size=(table.X.shape[1], tags))
    scores = scores / scores.std(axis=0) + noise * rng.normal(size=scores.shape)
    matrix = scores > np.quantile(scores, np.linspace(0.55, 0.85, tags), axis=0).diagonal()
    return table.with_tags(Tags(tuple(f"tag{k}" for k in range(tags)), matrix))
