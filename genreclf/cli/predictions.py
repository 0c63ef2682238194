"""Predictions on the terminal: lines as they come, or JSON for programs."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from genreclf.cli.console import TerminalProgress, emit_json, padded, show

if TYPE_CHECKING:
    from types import TracebackType

    from genreclf.prediction import Prediction
    from genreclf.tagging import Tagged

_SAID_ONCE = frozenset({"needs-extra"})


class PredictionLines(AbstractContextManager["PredictionLines"]):
    """Shows predictions one by one; ``tracks`` counts them.

    Parameters
    ----------
    json : ``lines`` for an object a line, ``array`` for one array, empty for people.
    """

    def __init__(self, genres: tuple[str, ...], *, json: str, segments: bool, progress: TerminalProgress) -> None:
        self.tracks = 0
        self._genres = genres
        self._json = json
        self._segments = segments
        self._progress = progress
        self._said: Counter[str] = Counter()
        self._width = max([len("unknown"), *map(len, genres)])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._json == "array":
            sys.stdout.write("]\n" if self.tracks else "[]\n")

    def add(self, prediction: Prediction, tagged: Tagged | None) -> None:
        """Show one prediction, and what became of the tag."""
        if prediction.error is not None:
            self._fail(prediction)
        if tagged is not None and tagged.status == "refused":
            self._progress.message(f"no tag written: {prediction.path}: {tagged.reason}")
        if self._json:
            if self._json == "array":
                sys.stdout.write("," if self.tracks else "[")
            tag = {} if tagged is None else {"tag": {"status": tagged.status, "before": tagged.before or None}}
            emit_json(prediction.as_json(segments=self._segments) | tag)
        elif prediction.error is None:
            self._show(prediction, tagged)
        self.tracks += 1

    def _fail(self, prediction: Prediction) -> None:
        """Tell why a track has no genre; what is the same for all files of a kind is told once."""
        assert prediction.error is not None, "it failed"  # noqa: S101
        code, reason = prediction.error.code, prediction.error.reason
        self._said[reason] += 1
        if code not in _SAID_ONCE or self._said[reason] == 1:
            self._progress.message(f"failed: {prediction.path}: {reason} [{code}]")

    def _show(self, prediction: Prediction, tagged: Tagged | None) -> None:
        if not self.tracks or not self._said["header"]:
            self._said["header"] = 1
            show(f"{padded('genre', self._width)}  prob.  unlike  others{'':<22}  path")
        probabilities = prediction.probabilities
        genre = prediction.genre
        others = sorted((g for g in probabilities if g != genre), key=lambda g: -probabilities[g])[:2]
        rest = ", ".join(f"{other} {probabilities[other]:.2f}" for other in others)
        if prediction.genre_set is not None:
            rest = "one of " + ", ".join(prediction.genre_set)
        if prediction.silent:
            rest = "silent"
        unlike = "-" if prediction.unlike_training is None else f"{prediction.unlike_training:.0f} %"
        sure = f"{prediction.confidence or 0.0:5.2f}  {unlike:>6}"
        line = f"{padded(genre, self._width)}  {sure}  {padded(rest, 28)}  {prediction.path}"
        if tagged is not None and tagged.status == "would-write":
            line += f"  (genre {tagged.before or 'none'} -> {genre})"
        show(line)
        if not self._segments:
            return
        for start, row in zip(prediction.starts.tolist(), prediction.segments, strict=True):
            place = int(row.argmax())
            bar = "#" * round(20 * float(row[place]))
            at = f"{int(start) // 60}:{int(start) % 60:02d}"
            show(f"  {at:>7}  {padded(self._genres[place], self._width)} {row[place]:5.2f} {bar}")


class TagLines(PredictionLines):
    """The same for models of tags: the tags with their probabilities, then the path."""

    def _show(self, prediction: Prediction, tagged: Tagged | None) -> None:
        found = prediction.probabilities
        tags = ", ".join(f"{tag} {found[tag]:.2f}" for tag in prediction.labels)
        line = f"{prediction.path}: {tags or ('silent' if prediction.silent else 'no tag reaches its threshold')}"
        if tagged is not None and tagged.status == "would-write":
            line += f"  (genre {tagged.before or 'none'} -> {prediction.genre})"
        show(line)
        for start, row in zip(prediction.starts.tolist() if self._segments else (), prediction.segments, strict=False):
            first = row.argsort()[::-1][:3]
            at = f"{int(start) // 60}:{int(start) % 60:02d}"
            show(f"  {at:>7}  " + ", ".join(f"{self._genres[k]} {row[k]:.2f}" for k in first))
