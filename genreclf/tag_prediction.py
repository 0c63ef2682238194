"""Prediction of tags: those whose probability, a mean over the segments of a track, reaches the tag's threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.errors import RequestError, one_line
from genreclf.models.bundle.tag_manifest import TagManifest
from genreclf.prediction import Prediction, TrackPredictor

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.workers import Outcome

_BETWEEN = "; "  # of tags in one text, as in the genre field of a file


@dataclass(frozen=True, eq=False)
class TagPrediction(Prediction):
    """The tags of one track.

    Parameters
    ----------
    genre : the tags in one text; empty where no probability reaches its threshold.
    genres : all tags of the model, sorted.
    thresholds : (tags,).
    """

    thresholds: np.ndarray | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags, the most probable first."""
        if self.error is not None or self.unknown or self.thresholds is None:
            return ()
        mean = self.segments.mean(axis=0)
        ordered = np.argsort(-mean, kind="stable")
        return tuple(self.genres[k] for k in ordered if mean[k] >= self.thresholds[k])

    def as_json(self, *, segments: bool = False) -> dict[str, Any]:
        """Plain values, the same keys for every track; `probabilities` and `thresholds` are of all tags."""
        known = super().as_json(segments=segments)
        thresholds = [] if self.thresholds is None else self.thresholds.tolist()
        tags = {
            "path": self.path,
            "tags": list(self.labels),
            "silent": self.silent,
            "probabilities": self.probabilities,
            "thresholds": dict(zip(self.genres, thresholds, strict=False)),
        }
        return tags | {name: known[name] for name in ("model", "seconds", "error", "segments") if name in known}


class TagPredictor(TrackPredictor):
    """A loaded tagger, for files and tables."""

    @property
    def thresholds(self) -> np.ndarray:
        """(tags,), in the order of `genres`, which are the tags."""
        manifest = self.manifest
        assert isinstance(manifest, TagManifest)  # noqa: S101 - `load` sees to it
        return np.array(manifest.thresholds)

    @property
    def threshold(self) -> float:
        """Of a confidence, which tags do not have: each has its own threshold.

        Raises
        ------
        RequestError : an option of genres is given.
        """
        for name in ("min_confidence", "coverage", "set_coverage"):
            if getattr(self, name) is not None:
                raise RequestError(f"{name} is for models of genres; the tags of this one have thresholds of their own")
        return 0.0

    def _track(
        self, name: str, starts: np.ndarray, X: np.ndarray, silent: bool, *, seconds: float = 0.0
    ) -> TagPrediction:
        _, probabilities = self._predicted(X)
        mean, thresholds = probabilities.mean(axis=0), self.thresholds
        order = np.argsort(-mean, kind="stable")
        tags = () if silent else tuple(self.genres[k] for k in order if mean[k] >= thresholds[k])
        return TagPrediction(
            name,
            _BETWEEN.join(tags),
            self.genres,
            starts,
            probabilities,
            seconds,
            model=self.model_id,
            silent=silent,
            unknown=not tags,
            thresholds=thresholds,
        )

    def prediction_of(self, name: str, outcome: Outcome[Any]) -> Prediction:
        """See `TrackPredictor.prediction_of`."""
        made = super().prediction_of(name, outcome)
        if made.error is None:
            return made
        names = ("path", "genre", "genres", "starts", "segments", "seconds", "error", "model")
        return TagPrediction(**{name: getattr(made, name) for name in names}, thresholds=self.thresholds)

    def _frame(self, column: str, values: np.ndarray, X: np.ndarray) -> pd.DataFrame:
        frame = super()._frame(column, values, X)
        return frame.rename(columns={"genre": "tags"})

    def _predicted(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tags of each row as one text, (rows,), and probabilities, (rows, tags)."""
        from genreclf.models.threads import one_thread

        try:
            with one_thread():
                probabilities = np.asarray(self._current.estimator.predict_proba(X))
        except ValueError as error:
            raise RequestError(f"the model cannot predict these rows: {one_line(error)}") from None
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise RequestError("the model gives numbers that are no probabilities; train it again")
        texts = [
            _BETWEEN.join(name for name, has in zip(self.genres, row, strict=True) if has)
            for row in probabilities >= self.thresholds
        ]
        return np.array(texts, dtype=object), probabilities
