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
