"""Made-up tables and sounds for the tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from genreclf.tables.table import FeatureTable


def made_up_table(
    *,
    tracks: int = 120,
    genres: int = 3,
    artists_per_genre: int = 8,
    features: int = 6,
    spread: float = 1.5,
    artist_spread: float = 0.5,
    seed: int = 0,
) -> FeatureTable:
    """Gaussian clouds, one for each genre, with an offset that the tracks of an artist share."""
    rng = np.random.default_rng(seed)
    labels = np.arange(tracks) % genres
    artists = rng.integers(artists_per_genre, size=tracks)
    centres = rng.normal(scale=spread, size=(genres, features))
    offsets = rng.normal(scale=artist_spread, size=(genres, artists_per_genre, features))
    X = centres[labels] + offsets[labels, artists] + rng.normal(size=(tracks, features))
    half = features // 2
    names = [f"mfcc_mean_{i + 1:02d}" for i in range(half)]
    names += [f"tonnetz_mean_{i + 1:02d}" for i in range(features - half)]
    identity = pd.DataFrame(
        {
            "track_id": [f"t{i:05d}" for i in range(tracks)],
            "genre": [f"genre{k}" for k in labels],
            "artist": [f"artist{k}-{a}" for k, a in zip(labels, artists, strict=True)],
        },
        dtype="object",
    )
    return FeatureTable(
        frame=pd.concat([identity, pd.DataFrame(X, columns=names)], axis=1),
        features=tuple(names),
        name="made-up",
    )


def note(frequency: float, *, seconds: float = 1.0, rate: int = 22050, seed: int = 0) -> np.ndarray:
    """A decaying note over a little noise, shape (samples,)."""
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(scale=0.01, size=time.size)
    return 0.5 * np.sin(2 * np.pi * frequency * time) * np.exp(-time) + noise
