"""Reliability: when a model says 70 %, is it right in 70 of 100 cases?

The highest probability of each track is its confidence. The expected calibration error is the mean distance of
confidence and share of right answers over ten bins, weighted by the tracks in them.

Source: Guo, Pleiss, Sun and Weinberger (2017), On Calibration of Modern Neural Networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from genreclf.evaluation.comparison import Comparison

BINS = 10
_Z = 1.959964


@dataclass(frozen=True)
class Bin:
    """The tracks of about one confidence.

    Parameters
    ----------
    confidence, right : their mean confidence, and the share of right answers with its 95 % Wilson interval.
    """

    tracks: int
    confidence: float
    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """The bins that hold tracks, by confidence, and the expected calibration error."""

    bins: tuple[Bin, ...]
    error: float


def reliability(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    """Put tracks into ten bins of equal width.

    Parameters
    ----------
    confidence : (tracks,), the probability of the genre that was said, in [0, 1].
    right : (tracks,), whether it was the track's genre.
    """
    import numpy as np

    index = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    bins = []
    for number in range(BINS):
        chosen = index == number
        tracks = int(chosen.sum())
        if tracks:
            share = float(right[chosen].mean())
            bins.append(Bin(tracks, float(confidence[chosen].mean()), share, *_wilson(share, tracks)))
    total = sum(part.tracks for part in bins)
    error = sum(part.tracks * abs(part.confidence - part.right) for part in bins) / max(total, 1)
    return Reliability(tuple(bins), error)


def _wilson(share: float, tracks: int) -> tuple[float, float]:
    middle = (share + _Z**2 / (2 * tracks)) / (1 + _Z**2 / tracks)
    half = _Z / (1 + _Z**2 / tracks) * math.sqrt(share * (1 - share) / tracks + _Z**2 / (4 * tracks**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def reliability_of(comparison: Comparison, model: str) -> Reliability | None:
    """The reliability of a model under the first protocol; None where its probabilities were not kept."""
    import numpy as np

    frame = comparison.probabilities
    if frame.empty:
        return None
    frame = frame[(frame["protocol"] == comparison.protocol) & (frame["model"] == model)]
    genres = [name for name in frame.columns if name not in ("protocol", "fold", "track_id", "model")]
    if frame.empty or not genres:
        return None
    keys = ["fold", "track_id"]
    predictions = comparison.predictions
    truth = predictions.loc[predictions["protocol"] == comparison.protocol, [*keys, "genre"]]
    truth = truth.rename(columns={"genre": "\0truth"})
    joined = frame.assign(track_id=frame["track_id"].astype(str)).merge(
        truth.assign(track_id=truth["track_id"].astype(str)), on=keys
    )
    values = joined[genres].to_numpy(dtype=float)
    known = np.isfinite(values).any(axis=1)
    if not known.any():
        return None
    values = np.where(np.isfinite(values), values, 0.0)[known]
    said = np.array([str(genre) for genre in genres], dtype=object)[values.argmax(axis=1)]
    return reliability(values.max(axis=1), said == joined["\0truth"].astype(str).to_numpy(dtype=object)[known])
