"""What several tests share: made-up tables, and the development data where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genreclf.table import FeatureTable


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real music and tables that development machines keep beside the checkout."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GENRECLF_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("the development data is not on this machine; set GENRECLF_SHARED_DATA to its folder")
    return folder


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


@pytest.fixture
def made_table() -> FeatureTable:
    """A small made-up table with three genres and twenty-four artists."""
    return made_up_table()
