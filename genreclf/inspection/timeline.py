"""The predictions of a trained model for a track, window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Timeline:
    """Genre probabilities over time.

    Parameters
    ----------
    genres : most probable over the whole track first.
    starts, ends : (windows,), seconds.
    probabilities : (windows, genres), each row sums to 1.
    y_pred : the predicted genre, as by ``genreclf predict``: with one window the model's own prediction, which
        need not be the most probable genre after calibration, else the most probable genre.
    """

    genres: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    probabilities: np.ndarray
    y_pred: str

    @property
    def mean(self) -> np.ndarray:
        """(genres,), the mean probabilities over the windows."""
        return np.asarray(self.probabilities.mean(axis=0))

    def as_json(self) -> dict[str, Any]:
        """The genre, its mean probabilities and those of each window, for programs."""
        rows = zip(self.starts, self.ends, self.probabilities.tolist(), strict=True)
        return {
            "genre": self.y_pred,
            "probabilities": dict(zip(self.genres, self.mean.tolist(), strict=True)),
            "windows": [
                {"start": start, "end": end, "probabilities": dict(zip(self.genres, row, strict=True))}
                for start, end, row in rows
            ],
        }


def timeline_of(segments: pd.DataFrame, *, length: float) -> Timeline:
    """The timeline of what `genreclf.prediction.TrackPredictor.predict_segments` returns.

    Parameters
    ----------
    length : of a window, in seconds, where the track has only one.
    """
    probabilities = segments.iloc[:, 2:].to_numpy(dtype=float)
    order = np.argsort(-probabilities.mean(axis=0), kind="stable")
    genres = segments.columns[2:][order].astype(str)
    starts = segments["start"].astype(float).tolist()
    step = starts[1] - starts[0] if len(starts) > 1 else length
    return Timeline(
        genres=tuple(genres),
        starts=tuple(starts),
        ends=(*starts[1:], starts[-1] + step),
        probabilities=probabilities[:, order],
        y_pred=str(segments["genre"].iloc[0]) if len(starts) == 1 else genres[0],
    )
