"""Predictions on the terminal: lines as they come, or JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.cli.console import TerminalProgress, emit_json, show

if TYPE_CHECKING:
    from genreclf.prediction import Prediction


class PredictionLines:
    """Shows predictions one by one; ``tracks`` counts them, ``failed`` those that went wrong."""

    def __init__(self, genres: tuple[str, ...], *, json: bool, segments: bool, progress: TerminalProgress) -> None:
        self.tracks = 0
        self.failed = 0
        self._genres = genres
        self._json = json
        self._segments = segments
        self._progress = progress
        self._headed = False
        self._width = max([len("genre"), *map(len, genres)])

    def add(self, prediction: Prediction, refusal: str) -> None:
        """Show one prediction; `refusal` says why its tag was not written."""
        if prediction.error is not None:
            self._progress.message(f"failed: {prediction.path}: {prediction.error.reason} [{prediction.error.code}]")
        if refusal:
            self._progress.message(f"no tag written: {prediction.path}: {refusal}")
        if self._json:
            emit_json(prediction.as_json(segments=self._segments))
        elif prediction.error is None:
            self._show(prediction)
        self.tracks += 1
        self.failed += prediction.error is not None or bool(refusal)

    def _show(self, prediction: Prediction) -> None:
        if not self._headed:
            self._headed = True
            show(f"{'genre':<{self._width}}  prob.  others{'':<22}  path")
        probabilities = prediction.probabilities
        others = sorted((g for g in probabilities if g != prediction.genre), key=lambda g: -probabilities[g])[:2]
        rest = ", ".join(f"{genre} {probabilities[genre]:.2f}" for genre in others)
        genre = prediction.genre
        show(f"{genre:<{self._width}}  {probabilities[genre]:5.2f}  {rest:<28}  {prediction.path}")
        if not self._segments:
            return
        for start, row in zip(prediction.starts.tolist(), prediction.segments, strict=True):
            place = int(row.argmax())
            bar = "#" * round(20 * float(row[place]))
            at = f"{int(start) // 60}:{int(start) % 60:02d}"
            show(f"  {at:>7}  {self._genres[place]:<{self._width}} {row[place]:5.2f} {bar}")
