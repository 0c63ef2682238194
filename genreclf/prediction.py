"""Prediction: the genre of a track, by a trained model.

A track is cut into segments as long as the training tracks were, features or a series of each are extracted, and the
predicted probabilities are averaged. A track of one segment gets the genre that the model predicts for it; one of
several the genre with the highest mean probability. A row of a table is a track of one segment, so that a file and its
row in a table get the same prediction.

A prediction says how sure it is: `confidence` is the calibrated probability of the genre, `unlike_training` how far
the track is from anything that the model was trained on (see `genreclf.models.novelty`). A track may be left without a
genre (`UNKNOWN`): below a confidence that is asked for, and where there is nothing to hear.

Features are extracted in worker processes and predicted in this one, so that predictions do not depend on the number
of workers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from genreclf.audio import Source, as_path, name_of
from genreclf.datasets.manifest import Track
from genreclf.display import Displayed
from genreclf.errors import RequestError, TrackError, one_line
from genreclf.model_inputs import ModelInput, describe_segments, input_of, rows_of
from genreclf.models.calibration import base_estimator, predictions
from genreclf.progress import AUTOMATIC, Progress
from genreclf.remote import Url, as_location, at_hand
from genreclf.tables.cells import escape
from genreclf.tables.table import family_of

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.models.bundle.bundle import Bundle
    from genreclf.models.bundle.manifest import BundleManifest
    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable
    from genreclf.workers import Outcome, Stop

TIMEOUT = 900.0  # seconds for one track; a track of hours is many segments
UNKNOWN = "unknown"
_ROUNDING = 1e-6  # of the sum of probabilities


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction for one track.

    Parameters
    ----------
    path : the file, as it was given, or the track's id where it comes from a table.
    genre : the predicted one; `UNKNOWN` where `unknown` is true; empty where the track cannot be read.
    genres : all genres of the model, sorted.
    starts : (segments,), seconds.
    segments : (segments, genres), probabilities.
    seconds : that extracting its features took.
    error : why there is no genre; None where there is one.
    model : the id of the model.
    confidence : the probability of the genre that the model predicts, even where `unknown`; None with an error.
    unlike_training : the percentage of the training tracks that are nearer to the others, from 0 to 100; None where the
        model does not know.
    genre_set : the genres of a prediction set, the most probable first; None where none was asked for.
    silent : whether there is nothing to hear, or nearly nothing.
    unknown : whether the prediction is withheld, because the confidence is too low or the track is silent.
    """

    path: str
    genre: str
    genres: tuple[str, ...]
    starts: np.ndarray
    segments: np.ndarray
    seconds: float = 0.0
    error: TrackError | None = None
    model: str = ""
    confidence: float | None = None
    unlike_training: float | None = None
    genre_set: tuple[str, ...] | None = None
    silent: bool = False
    unknown: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The genre, if there is one that is not withheld."""
        return (self.genre,) if self.genre and not self.unknown else ()

    @property
    def probabilities(self) -> dict[str, float]:
        """The mean probability of each genre over the segments; empty where the track cannot be read."""
        if self.error is not None:
            return {}
        return dict(zip(self.genres, self.segments.mean(axis=0).tolist(), strict=True))

    def as_json(self, *, segments: bool = False) -> dict[str, Any]:
        """Plain values, the same keys for every track; with `segments` also the probabilities of each segment."""
        plain: dict[str, Any] = {
            "path": self.path,
            "genre": self.genre or None,
            "confidence": self.confidence,
            "unlike_training": self.unlike_training,
            "silent": self.silent,
            "set": None if self.genre_set is None else list(self.genre_set),
            "probabilities": self.probabilities,
            "model": self.model,
            "seconds": round(self.seconds, 3),
            "error": None if self.error is None else {"code": self.error.code, "reason": self.error.reason},
        }
        if segments:
            plain["segments"] = [
                {"start": start, "probabilities": dict(zip(self.genres, row, strict=True))}
                for start, row in zip(self.starts.tolist(), self.segments.tolist(), strict=True)
            ]
        return plain


class TrackPredictor(Displayed):
    """A loaded model, for files and tables; `genreclf.classifier.Predictor` is one for scikit-learn.

    Parameters
    ----------
    bundle : the model.
    min_confidence : below this a track's genre is `UNKNOWN`.
    coverage : the share of tracks of new artists that shall get a genre; the confidence that this takes is read off the
        model's own held-out predictions.
    set_coverage : the share of tracks of new artists whose `Prediction.genre_set` shall hold the true genre.
    jobs : worker processes for several files; one for each core by default.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        min_confidence: float | None = None,
        coverage: float | None = None,
        set_coverage: float | None = None,
        jobs: int | None = None,
    ) -> None:
        self.bundle = bundle
        self.jobs = jobs
        self.min_confidence = min_confidence
        self.coverage = coverage
        self.set_coverage = set_coverage

    @property
    def _current(self) -> Bundle:
        return self.bundle

    @property
    def manifest(self) -> BundleManifest:
        """What is known of the model."""
        return self._current.manifest

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres that it predicts, sorted."""
        return self.manifest.genres

    @property
    def model_id(self) -> str:
        """The model's name, and the first digits of its SHA-256 where it was saved."""
        digest = self.manifest.estimator_sha256[:12]
        return f"{self.manifest.model}-{digest}" if digest else self.manifest.model

    @property
    def threshold(self) -> float:
        """The confidence below which a track's genre is `UNKNOWN`; 0 where every track gets one.

        Raises
        ------
        RequestError : an option is no share, two exclude each other, or the model's file does not know its held-out
            predictions.
        """
        for name in ("min_confidence", "coverage", "set_coverage"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise RequestError(f"{name} {value:g}: choose a share between 0 and 1, for example 0.8")
        if self.min_confidence is not None and self.coverage is not None:
            raise RequestError("min_confidence and coverage exclude each other; give one")
        held_out = self.manifest.held_out
        if held_out is None and (self.coverage is not None or self.set_coverage is not None):
            raise RequestError(
                "this model's file holds no held-out predictions, so coverage and sets are unknown; train it again, "
                "without --no-calibrate, or give min_confidence"
            )
        if self.coverage is not None and held_out is not None:
            return held_out.thresholds[math.ceil(100 * self.coverage - 1e-9)]
        return self.min_confidence or 0.0

    def checked(self) -> Self:
        """The same; raises as `threshold` where the options make no sense."""
        _ = self.threshold
        return self

    def prepare(self) -> None:
        """Build the estimator of a model that `load` has opened.

        Raises
        ------
        RequestError : see `Bundle.load`.
        """
        _ = self._current.estimator

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in ("min_confidence", "coverage", "set_coverage", "jobs")}
        options = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
        return f"{type(self).__name__}({self._current!r}{options})"

    def predict_table(self, table: FeatureTable, *, series: Series | str | Path | None = None) -> pd.DataFrame:
        """The genre of each row of a table.

        Parameters
        ----------
        series : of its tracks, for a model of series: a `genreclf.series.Series`, a kind beside the table, or the path
            of others; None takes the model's kind beside the table.

        Returns
        -------
        One row a track: ``track_id, genre``, then a column of probabilities for each genre.

        Raises
        ------
        RequestError : the table lacks features of the model, or was made with others, or holds values that the
            model cannot take.
        """
        imputes = "impute" in getattr(base_estimator(self._current.estimator), "named_steps", ())
        return self._frame("track_id", table.ids, rows_of(table, self.manifest, imputes=imputes, series=series))

    def predict_segments(self, path: Source) -> pd.DataFrame:
        """The genre of each segment of a file: ``start`` in seconds, ``genre``, then a column for each genre."""
        starts, X, _ = self._described(path)
        return self._frame("start", starts, X)

    def explain(self, path: Source) -> pd.DataFrame:
        """What each feature family contributes to the predicted genre of a file.

        A family's contribution is how much the probability of the genre falls when the family's features are set to
        their means over the training tracks, averaged over the segments; it is negative where the family speaks
        against the genre. Contributions need not add up: those of families that carry the same information are small.

        Returns
        -------
        One row a family, the largest contribution first: ``family, features, contribution, probability, genre``, where
        ``probability`` is the genre's with all families.

        Raises
        ------
        RequestError : the model takes series, which have no families.
        """
        import pandas as pd

        if self.manifest.series is not None:
            raise RequestError(f"this model takes {self.manifest.inputs}, which have no feature families to explain by")
        _, X, _ = self._described(path)
        y_pred, probabilities = self._predicted(X)
        mean = probabilities.mean(axis=0)
        place = self.genres.index(str(y_pred[0])) if len(y_pred) == 1 else int(mean.argmax())
        genre, probability, rows = self.genres[place], float(mean[place]), []
        families = np.array([family_of(name) for name in self.manifest.features])
        for family in dict.fromkeys(families.tolist()):
            columns = families == family
            without = X.copy()
            without[:, columns] = np.array(self.manifest.feature_means)[columns]
            contribution = probability - float(self._predicted(without)[1][:, place].mean())
            rows.append((family, int(columns.sum()), contribution, probability, genre))
        frame = pd.DataFrame(rows, columns=["family", "features", "contribution", "probability", "genre"])
        return frame.sort_values("contribution", ascending=False, kind="stable", ignore_index=True)

    def stream(
        self,
        tracks: Iterable[Any],
        *,
        total: int | None = None,
        jobs: int | None = None,
        timeout: float = TIMEOUT,
        stop: Stop | None = None,
        progress: Progress = AUTOMATIC,
    ) -> Iterator[Prediction]:
        """Predict many tracks in parallel, in their order, each as soon as it is ready.

        Parameters
        ----------
        tracks : files, tracks of a manifest, or what `genreclf.datasets.sources.tracks_of` yields; taken as workers
            become free. One that cannot be read does not stop the others.
        total : how many there are, for the progress, where `tracks` does not tell.
        jobs : worker processes; one for each core by default.
        timeout : seconds that one track may take.
        stop : when it is requested, what is under way is finished and nothing more is begun.
        """
        from genreclf.workers import PENDING, available_workers, check_timeout, in_order, run

        check_timeout(timeout)
        names: dict[int, str] = {}  # of the tracks that are under way
        numbers = count()

        def items() -> Iterator[Any]:
            for track in tracks:
                place = track.path if isinstance(track, Track) else track
                item = as_location(place) if isinstance(place, str) else place
                if item is not PENDING:
                    names[next(numbers)] = escape(item.path) if isinstance(item, TrackError) else shown(item)
                yield item

        total = len(tracks) if isinstance(tracks, Sized) else total
        if total is not None and total > 1:
            jobs = min(total, available_workers(jobs))
        elif total == 1:
            import scipy.fft
            import scipy.linalg  # noqa: F401 - a fork of this process and this one need both: they are imported once
        progress.begin("predict", total)
        try:
            running: dict[str, Any] = {"jobs": jobs, "timeout": timeout, "stop": stop}
            for outcome in in_order(run(self.work, items(), meanwhile=self.prepare, **running)):
                name = names.pop(outcome.index)
                progress.advance(name)
                yield self.prediction_of(name, outcome)
        finally:
            progress.end()

    @property
    def work(self) -> Callable[[Path], Any]:
        """What a worker process does for a file; `prediction_of` takes the outcome."""
        return partial(_segments_of, made=input_of(self.manifest))

    def prediction_of(self, name: str, outcome: Outcome[Any]) -> Prediction:
        """The prediction for a track that a worker process has described, or failed to."""
        if outcome.value is not None:
            return self._track(name, *outcome.value, seconds=outcome.seconds)
        error = outcome.error or TrackError("internal", "nothing came back from the worker")
        nothing = np.empty((0, len(self.genres)))
        return Prediction(name, "", self.genres, np.empty(0), nothing, outcome.seconds, error, self.model_id)

    def _described(self, source: Source) -> tuple[np.ndarray, Any, bool]:
        """Segments of a file and what the model takes of them, in this process; an error names the file."""
        made = input_of(self.manifest)
        try:
            if isinstance(source, tuple):
                return describe_segments(source, made)
            with as_path(source) as path:
                return describe_segments(path, made)
        except TrackError as error:
            error.path = escape(name_of(source))
            raise

    def _track(self, name: str, starts: np.ndarray, X: Any, silent: bool, *, seconds: float = 0.0) -> Prediction:  # noqa: ANN401
        y_pred, probabilities = self._predicted(X)
        mean = probabilities.mean(axis=0)
        genre = str(y_pred[0]) if len(y_pred) == 1 else self.genres[int(mean.argmax())]
        confidence = float(mean[self.genres.index(genre)])
        unknown = silent or confidence < self.threshold
        manifest, unlike = self.manifest, None
        if manifest.novelty is not None:
            rows = X
            if manifest.series is not None:
                from genreclf.models.pooling import pooled

                rows = pooled(X)
            unlike = float(manifest.novelty.percentile(rows, manifest.feature_means, manifest.feature_stds).mean())
        return Prediction(
            name,
            UNKNOWN if unknown else genre,
            self.genres,
            starts,
            probabilities,
            seconds,
            model=self.model_id,
            confidence=confidence,
            unlike_training=unlike,
            genre_set=self._set(mean, genre),
            silent=silent,
            unknown=unknown,
        )

    def _set(self, probabilities: np.ndarray, genre: str) -> tuple[str, ...] | None:
        """The prediction set of a track, the predicted genre always in it; None where none was asked for."""
        held_out = self.manifest.held_out
        if self.set_coverage is None or held_out is None:
            return None
        percent = math.ceil(100 * self.set_coverage - 1e-9)
        least = held_out.set_thresholds[percent - 1] if percent < 100 else 0.0
        order = np.argsort(-probabilities, kind="stable")
        return tuple(self.genres[k] for k in order if probabilities[k] >= least or self.genres[k] == genre)

    def _frame(self, column: str, values: np.ndarray, X: Any) -> pd.DataFrame:  # noqa: ANN401
        """Predictions of rows: a column that tells them apart, the genre, a column of probabilities for each genre."""
        import pandas as pd

        y_pred, probabilities = self._predicted(X)
        frame = pd.DataFrame(probabilities, columns=list(self.genres))
        frame.insert(0, "genre", y_pred)
        frame.insert(0, column, values)
        return frame

    def _predicted(self, X: Any) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
        """Genre of each row as the model itself predicts it, (rows,), and probabilities, (rows, genres)."""
        from genreclf.models.threads import one_thread

        estimator = self._current.estimator
        try:
            with one_thread():
                y_pred, probabilities = predictions(estimator, X)
        except ValueError as error:
            raise RequestError(f"the model cannot predict these rows: {one_line(error)}") from None
        # Not so in a file that was damaged or forged; the comparisons are false for what is not finite.
        if not ((probabilities >= 0).all() and (abs(probabilities.sum(axis=1) - 1) < _ROUNDING).all()):
            raise RequestError("the model gives numbers that are no probabilities; train it again")
        return np.array([str(genre) for genre in y_pred], dtype=object), probabilities


def shown(path: Path | Url) -> str:
    """A path as text that can be written anywhere; see `genreclf.tables.cells.escape`."""
    return escape(str(path))


def _segments_of(item: Path | Url | TrackError, made: ModelInput) -> tuple[np.ndarray, Any, bool]:
    """The segments of a file, see `describe_segments`; what was no file to begin with is raised."""
    if isinstance(item, TrackError):
        raise item
    with at_hand(item) as (path, _):
        return describe_segments(path, made)
