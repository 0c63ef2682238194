"""The table of predictions: what a model predicts for many tracks, as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.files import check_file, write_whole
from genreclf.tables.cells import escape, for_spreadsheet

if TYPE_CHECKING:
    from genreclf.prediction import Prediction


def check_prediction_table(path: Path) -> None:
    """Refuse a place for a table of predictions that holds something else; raises as `check_file`."""
    check_file(path, mark=b"path,genre,p_", what="a table of predictions")


def write_predictions(
    path: Path, predictions: Iterable[Prediction], genres: Sequence[str], *, spreadsheet: bool = False
) -> None:
    """Write predictions, in the order of their paths; the file is written whole or not at all.

    The columns are ``path, genre``, ``p_GENRE`` for each genre, ``seconds, error``; a track that cannot be read has
    an error and neither genre nor probabilities. Control characters are escaped.

    Parameters
    ----------
    path : a CSV file; a table of predictions there is replaced, nothing else is.
    predictions : as `Predictor.stream` yields them.
    genres : the genres of the model, as `Predictor.genres` lists them.
    spreadsheet : put an apostrophe before texts that a spreadsheet would take for a formula.

    Raises
    ------
    RequestError : the place cannot be written to, or is taken by another kind of file.
    """
    check_prediction_table(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    text_of = for_spreadsheet if spreadsheet else str
    writer.writerow(["path", "genre", *(f"p_{escape(genre)}" for genre in genres), "seconds", "error"])
    for name, genre, *numbers, error in sorted(_row(prediction, len(genres)) for prediction in predictions):
        writer.writerow([text_of(name), text_of(genre), *numbers, text_of(error)])
    write_whole(path, text.getvalue())


def _row(prediction: Prediction, genres: int) -> list[str]:
    probabilities = [repr(p) for p in prediction.probabilities.values()] or [""] * genres
    error = "" if prediction.error is None else str(prediction.error)
    return [prediction.path, escape(prediction.genre), *probabilities, f"{prediction.seconds:.3f}", escape(error)]
