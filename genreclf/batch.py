"""A batch: whatever can be named in, a prediction a track out, with tables, tags and playlists written on the way.

Nothing that is wrong with a track, or with one source among others, ends a batch. A batch that is killed and started
again with the same table goes on where it was: tags and playlists of a track are written before its row, so that
what has a row is done.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from genreclf.audio import EXTRA_SUFFIXES, missing_extras
from genreclf.datasets.manifest import Track
from genreclf.datasets.playlists import GenrePlaylists
from genreclf.datasets.sources import STDIN, check_sources, root_of, tracks_of
from genreclf.errors import RequestError, TrackError
from genreclf.files import check_folder
from genreclf.prediction import TIMEOUT, Prediction, TrackPredictor, shown
from genreclf.prediction_table import PredictionTable, check_prediction_table
from genreclf.progress import AUTOMATIC, SILENT, Progress
from genreclf.tables.cells import escape
from genreclf.workers import PENDING

if TYPE_CHECKING:
    from genreclf.remote import Url
    from genreclf.tagging import Tagged, Tagger
    from genreclf.workers import Stop


class Batch:
    """The predictions of a batch, to be iterated over once.

    ``total`` is the number of tracks, None where a list on standard input is still open; ``done`` counts those that an
    earlier run has written into the table, ``failed`` the tracks without a genre, of both runs, and ``refused`` those
    whose tag could not be written.

    Parameters
    ----------
    predictor : the model.
    sources : files, folders, patterns, playlists, manifests, data sets, and ``-`` for a list on `stdin`.
    output : a table of predictions, see `genreclf.prediction_table`; one that is there is gone on with.
    spreadsheet : see `PredictionTable`.
    tagger : writes genres into the files; its copies lie as their files lie below the sources.
    playlists : a folder for a playlist a genre.
    stdin, null : see `genreclf.datasets.sources.tracks_of`.
    jobs, timeout, stop, progress : see `TrackPredictor.stream`.

    Raises
    ------
    RequestError : no source is named, or a place for results is taken.

    Examples
    --------
    >>> import genreclf
    >>> model = genreclf.load("music.genreclf")  # doctest: +SKIP
    >>> for prediction, _ in Batch(model, ["new", "party.m3u8"], output=Path("new.csv")):  # doctest: +SKIP
    ...     print(prediction.path, prediction.genre)
    """

    def __init__(
        self,
        predictor: TrackPredictor,
        sources: Sequence[str | Path],
        *,
        output: Path | None = None,
        spreadsheet: bool = False,
        tagger: Tagger | None = None,
        playlists: Path | None = None,
        stdin: BinaryIO | None = None,
        null: bool = False,
        jobs: int | None = None,
        timeout: float = TIMEOUT,
        stop: Stop | None = None,
        progress: Progress = AUTOMATIC,
    ) -> None:
        check_sources(sources)
        if output is not None:
            check_prediction_table(output)
        if playlists is not None:
            check_folder(playlists)
        self.total: int | None = None
        self.done = self.failed = self.refused = 0
        self._predictor = predictor
        self._sources = sources
        self._listing: dict[str, Any] = {"stdin": stdin, "null": null}
        self._output, self._spreadsheet = output, spreadsheet
        self._tagger, self._playlists = tagger, playlists
        self._running: dict[str, Any] = {"jobs": jobs, "timeout": timeout, "stop": stop, "progress": progress}
        self._progress = progress
        self._copies = None if tagger is None or tagger.to is None else Path(os.path.abspath(tagger.to))  # noqa: PTH100 - as `_below`
        if tagger is not None and tagger.root is None:
            tagger.root = root_of(sources)

    def __iter__(self) -> Iterator[tuple[Prediction, Tagged | None]]:
        """Predict, write and yield: each prediction, and what became of the file's tag."""
        if self._output is not None or self._playlists is not None:
            self._predictor.prepare()  # a model that cannot be used touches nothing
        with ExitStack() as stack:
            table = None
            if self._output is not None:
                table = stack.enter_context(
                    PredictionTable(
                        self._output,
                        self._predictor.genres,
                        model=self._predictor.model_id,
                        spreadsheet=self._spreadsheet,
                    )
                )
                self.done, self.failed = len(table.done), table.failed
            done = table.done if table else set[str]()
            playlists = None if self._playlists is None else GenrePlaylists(self._playlists, keep=bool(done))
            total = self._count(done)
            places: dict[str, Path | Url] = {}
            tracks = self._tracks(done, places)
            for prediction in self._predictor.stream(tracks, total=total, **self._running):
                path = places.pop(prediction.path, Path())
                tagged = None if self._tagger is None else self._tagger.tag(prediction, path)
                if playlists:
                    self._list(playlists, prediction, path)
                if table:
                    table.append(prediction)
                self.failed += prediction.error is not None
                self.refused += tagged is not None and tagged.status == "refused"
                yield prediction, tagged

    def _list(self, playlists: GenrePlaylists, prediction: Prediction, path: Path | Url) -> None:
        named = [playlists.add(label, path) for label in prediction.labels]
        if not all(named):
            self._progress.message(f"in no playlist: {prediction.path}: there is a line end in its name")

    def _count(self, done: set[str]) -> int | None:
        """How many tracks are to be predicted, where that can be known; says what they need that is not installed."""
        if STDIN in map(str, self._sources):
            return None
        left, audio = 0, []
        self.total = 0
        for entry in tracks_of(self._sources, progress=SILENT):
            self.total += 1
            if _name_of(entry) not in done and not self._is_copy(entry):
                left += 1
                if isinstance(entry, Track) and entry.path.suffix.lower() in EXTRA_SUFFIXES:
                    audio.append(entry.path)
        if not self.total:
            raise RequestError(f"{', '.join(map(str, self._sources))}: no audio files there")
        for line in missing_extras(audio):
            self._progress.message(line)
        return left

    def _tracks(self, done: set[str], places: dict[str, Path | Url]) -> Iterator[Any]:
        for entry in tracks_of(self._sources, progress=self._progress, **self._listing):
            if entry is not PENDING:
                name = _name_of(entry)
                if name in done or self._is_copy(entry):
                    continue
                if isinstance(entry, Track):
                    places[name] = entry.path
            yield entry

    def _is_copy(self, entry: Track | TrackError) -> bool:
        """Whether a track is one of the copies that are being made, which may lie inside a source."""
        if self._copies is None or isinstance(entry, TrackError):
            return False
        return Path(os.path.abspath(entry.path)).is_relative_to(self._copies)  # noqa: PTH100 - as `_below`


def _name_of(entry: Track | TrackError) -> str:
    return escape(entry.path) if isinstance(entry, TrackError) else shown(entry.path)
