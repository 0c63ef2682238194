"""Predictions on the terminal: lines as they come, JSON for programs, a table for spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.cli.console import TerminalProgress, emit_json, show

if TYPE_CHECKING:
    from genreclf.prediction import Prediction


class Predictions:
    """Shows predictions one by one and counts them."""

    def __init__(self, genres: tuple[str, ...], *, csv: Path | None, json: bool, segments: bool) -> None:
        self.tracks = 0
        self.failed = 0
        self._genres = genres
        self._csv = csv
        self._json = json
        self._segments = segments
        self._rows: list[list[str]] = []
        self._width = max([len("genre"), *map(len, genres)])
        self._headed = False

    def add(self, prediction: Prediction, refused: str | None, *, progress: TerminalProgress) -> None:
        """Show one prediction; `refused` says why its tag was not written."""
        self.tracks += 1
        self.failed += prediction.error is not None or refused is not None
        if prediction.error is not None:
            progress.message(f"failed: {prediction.path}: {prediction.error.reason} [{prediction.error.code}]")
        if refused is not None:
            progress.message(f"no tag written: {prediction.path}: {refused}")
        if self._csv is not None:
            self._rows.append(self._row(prediction))
        if self._json:
            emit_json(prediction.as_json(segments=self._segments))
        elif prediction.error is None:
            self._show(prediction)

    def finish(self) -> None:
        """Write the table, where one was asked for, whole or not at all."""
        if self._csv is None:
            return
        import csv
        import io

        from genreclf.files import write_whole

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["path", "genre", *(f"p_{genre}" for genre in self._genres), "seconds", "error"])
        writer.writerows(sorted(self._rows))
        write_whole(self._csv, text.getvalue())

    def _row(self, prediction: Prediction) -> list[str]:
        chances = [repr(p) for p in prediction.probabilities.values()] or [""] * len(self._genres)
        error = "" if prediction.error is None else str(prediction.error)
        return [prediction.path, prediction.genre, *chances, f"{prediction.seconds:.3f}", error]

    def _show(self, prediction: Prediction) -> None:
        if not self._headed:
            show(f"{'genre':<{self._width}}  prob.  others{'':<22}  path")
            self._headed = True
        chances = prediction.probabilities
        others = sorted((g for g in chances if g != prediction.genre), key=lambda g: -chances[g])[:2]
        rest = ", ".join(f"{genre} {chances[genre]:.2f}" for genre in others)
        genre = prediction.genre
        show(f"{genre:<{self._width}}  {chances[genre]:5.2f}  {rest:<28}  {prediction.path}")
        if not self._segments:
            return
        for start, row in zip(prediction.starts.tolist(), prediction.segments, strict=True):
            place = int(row.argmax())
            bar = "#" * round(20 * float(row[place]))
            at = f"{int(start) // 60}:{int(start) % 60:02d}"
            show(f"  {at:>7}  {self._genres[place]:<{self._width}} {row[place]:5.2f} {bar}")
