"""Verification: some of a table's rows computed again by plain librosa, to see that the values are librosa's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError
from genreclf.progress import AUTOMATIC, Progress
from genreclf.remote import at_hand
from genreclf.tables.table import FeatureTable

if TYPE_CHECKING:
    from genreclf.datasets.manifest import Manifest, Track


@dataclass(frozen=True)
class Verification:
    """How far the rows of some tracks lie from plain librosa's.

    Parameters
    ----------
    tracks : ids of the tracks that were computed again.
    largest : the largest difference of any feature, in standard deviations of that feature over the table.
    column : the feature that it was found in.
    librosa : librosa's version.
    """

    tracks: tuple[str, ...]
    largest: float
    column: str
    librosa: str

    def __str__(self) -> str:
        return (
            f"verified {len(self.tracks)} tracks by librosa {self.librosa}: the largest difference is "
            f"{self.largest:.1e} standard deviations, in {self.column}"
        )


def verify(manifest: Manifest, path: Path | str, *, tracks: int = 3, progress: Progress = AUTOMATIC) -> Verification:
    """Compute some tracks of a table again with librosa's own functions and compare.

    Parameters
    ----------
    manifest : where the tracks are.
    path : a table that `genreclf.extraction.extract` made of them.
    tracks : how many, spread evenly over the table; each takes librosa some seconds.

    Raises
    ------
    RequestError : there is nothing to compare.
    """
    table = FeatureTable.read(path)
    rows = {track_id: row for row, track_id in enumerate(table.ids)}
    known = [track for track in manifest if track.track_id in rows]
    if not known or tracks < 1 or not table.meta:
        raise RequestError(f"--verify {tracks}: {path} has no rows of this source to compare")
    chosen = [known[int(place)] for place in np.unique(np.linspace(0, len(known) - 1, tracks).round())]
    spread = table.X.std(axis=0)
    spread[spread == 0] = np.maximum(1.0, np.abs(table.X[0]))[spread == 0]
    apart = []
    progress.begin("verify by librosa", len(chosen))
    for track in chosen:
        apart.append(np.abs(table.X[rows[track.track_id]] - _plain_row(track, table)) / spread)
        progress.advance(track.name)
    progress.end()
    # Columns of a family that has no yardstick are not compared.
    worst = np.nan_to_num(np.max(apart, axis=0), nan=-1.0)
    return Verification(
        tracks=tuple(track.track_id for track in chosen),
        largest=float(worst.max()),
        column=table.features[int(worst.argmax())],
        librosa=version("librosa"),
    )


def _plain_row(track: Track, table: FeatureTable) -> np.ndarray:
    """The features of a track by plain librosa, in the order of the table."""
    from genreclf.features import describe_plainly

    window = table.meta["parameters"]
    samples, rate = _plain_samples(track, offset=window["offset"], duration=window["duration"])
    row = describe_plainly(samples, rate, feature_set=table.meta["feature_set"])
    return np.array([row.get(column, np.nan) for column in table.features])


def _plain_samples(track: Track, *, offset: float | None, duration: float | None) -> tuple[np.ndarray, int]:
    """The window of a track that was described, (n,) samples and their rate in Hz, by ``librosa.load``.

    What that cannot read, m4a and files of a wrong length in the header among it, is left to genreclf's own reader.
    """
    with at_hand(track.path) as (path, _):
        return _plain_samples_of(path, offset=offset, duration=duration)


def _plain_samples_of(path: Path, *, offset: float | None, duration: float | None) -> tuple[np.ndarray, int]:
    import librosa
    import soundfile

    from genreclf import audio

    name = os.fsencode(path)
    try:
        header = soundfile.info(name)
        start, count = audio.window(header.frames, rate=header.samplerate, offset=offset, duration=duration)
        # From between two samples, lest rounding take the one before.
        begin = (start + 0.5) / header.samplerate if start else 0.0
        samples, rate = librosa.load(name, sr=None, offset=begin, duration=(count + 0.5) / header.samplerate)
        if len(samples) == count:
            return samples, int(rate)
    except (soundfile.LibsndfileError, ValueError):
        pass
    return audio.load(path, sample_rate=None, offset=offset, duration=duration)
