"""The table of predictions."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from genreclf.errors import RequestError, TrackError
from genreclf.prediction import Prediction
from genreclf.prediction_table import write_predictions


def test_a_row_a_track_in_the_order_of_paths(tmp_path):
    good = Prediction("b.wav", "pop", ("pop", "rock"), np.zeros(2), np.array([[0.9, 0.1], [0.8, 0.2]]), 1.5)
    bad = Prediction(
        "a.wav", "", ("pop", "rock"), np.empty(0), np.empty((0, 2)), 0.1, TrackError("missing", "no such file")
    )
    for _ in range(2):
        write_predictions(tmp_path / "p.csv", [good, bad], good.genres)
    with (tmp_path / "p.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0] == {
        "path": "a.wav", "genre": "", "p_pop": "", "p_rock": "", "seconds": "0.100", "error": "missing: no such file",
    }  # fmt: skip
    assert {genre: float(rows[1][f"p_{genre}"]) for genre in good.genres} == good.probabilities


def test_another_file_is_not_replaced(tmp_path):
    (tmp_path / "p.csv").write_text("path,genre\na.wav,mine\n")
    with pytest.raises(RequestError, match="is not a table of predictions"):
        write_predictions(tmp_path / "p.csv", [], ("pop", "rock"))


def test_texts_are_one_line_and_formulas_are_marked_when_asked_for(tmp_path):
    odd = Prediction("=a\x1b.wav", "@pop\r", ("@pop\r",), np.zeros(1), np.array([[1.0]]))
    for spreadsheet, mark in ((False, ""), (True, "'")):
        path = tmp_path / f"{spreadsheet}.csv"
        write_predictions(path, [odd], odd.genres, spreadsheet=spreadsheet)
        with path.open(newline="", encoding="utf-8") as stream:
            [header, row] = csv.reader(stream)
        assert header[2] == r"p_@pop\x0d"
        assert row[1] == rf"{mark}@pop\x0d"
        assert row[0].startswith(f"{mark}=a")
