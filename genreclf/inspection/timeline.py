"""What a trained model says of a track, window by window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Timeline:
    """Genre probabilities over time.

    Parameters
    ----------
    genres : likeliest over the whole track first.
    starts, ends : (windows,), seconds.
    shares : (windows, genres), each row sums to 1.
    said : what the track is said to be, as by ``genreclf predict``: with one window the model's own answer, which
        calibrated probabilities need not favour, else the likeliest genre.
    """

    genres: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    shares: np.ndarray
    said: str

    @property
    def end(self) -> float:
        """Where the last window ends."""
        return self.ends[-1]

    def as_json(self) -> dict[str, Any]:
        """The genre, its mean probabilities and those of each window, for programs."""
        rows = zip(self.starts, self.ends, self.shares.tolist(), strict=True)
        return {
            "genre": self.said,
            "probabilities": dict(zip(self.genres, self.shares.mean(axis=0).tolist(), strict=True)),
            "windows": [
                {"start": start, "end": end, "probabilities": dict(zip(self.genres, row, strict=True))}
                for start, end, row in rows
            ],
        }


def timeline_of(path: Path, model: Path, *, length: float) -> Timeline:
    """Genre probabilities of every window of a track, by a trained model.

    Parameters
    ----------
    length : of a window, in seconds, where the track has only one.

    Raises
    ------
    RequestError : the model cannot be loaded.
    TrackError : the track cannot be read.
    """
    from genreclf.prediction import load

    return ordered(load(model).predict_segments(path), length=length)


def ordered(segments: Any, *, length: float) -> Timeline:  # noqa: ANN401 - a pandas frame
    """A timeline from a frame with the columns ``start`` (seconds) and ``genre``, then one for each genre."""
    import numpy as np

    shares = segments.iloc[:, 2:].to_numpy(dtype=float)
    order = np.argsort(-shares.mean(axis=0), kind="stable")
    starts = [float(start) for start in segments["start"]]
    step = starts[1] - starts[0] if len(starts) > 1 else length
    return Timeline(
        genres=tuple(str(segments.columns[2 + i]) for i in order),
        starts=tuple(starts),
        ends=(*starts[1:], starts[-1] + step),
        shares=shares[:, order],
        said=str(segments["genre"].iloc[0] if len(starts) == 1 else segments.columns[2 + order[0]]),
    )
