"""The table of predictions: whole rows whatever happens, and gone on with by the same model only."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from genreclf.errors import RequestError, TrackError
from genreclf.prediction import Prediction
from genreclf.prediction_table import SUFFIXES, PredictionTable, write_predictions

GENRES = ("pop", "ro|ck")


def good(path: str = "b.wav", genre: str = "pop") -> Prediction:
    return Prediction(path, genre, GENRES, np.zeros(2), np.array([[0.9, 0.1], [0.8, 0.2]]), 1.5)


def bad(path: str = "a.wav", code: str = "unreadable") -> Prediction:
    return Prediction(path, "", GENRES, np.empty(0), np.empty((0, 2)), 0.1, TrackError(code, "no, such\nsound"))


def rows_of(path: Path) -> list[dict]:
    """The rows of a table of any kind, with the probabilities of a row as ``p``."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [
            r | {"p": r["probabilities"].get("pop"), "error_code": (r["error"] or {}).get("code", "")} for r in rows
        ]
    else:
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
    return [row | {"p": float(row["p_pop"]) if row["p_pop"] else None} for row in rows]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_row_a_track_that_a_second_run_adds_to(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p{suffix}"
    for run, wanted in enumerate(([good(), bad(), bad("gone.wav", "missing")], [good("c.wav"), good("gone.wav")])):
        with PredictionTable(path, GENRES) as table:
            assert table.done == ({"b.wav", "a.wav"} if run else set()), "what may pass is tried again"
            for prediction in wanted:
                table.append(prediction)
            assert table.failed == run
    rows = rows_of(path)
    assert [row["path"] for row in rows] == ["b.wav", "a.wav", "c.wav", "gone.wav"]
    assert [row["genre"] or None for row in rows] == ["pop", None, "pop", "pop"]
    assert rows[0]["p"] == good().probabilities["pop"]
    assert rows[1]["p"] is None
    assert [row["error_code"] for row in rows] == ["", "unreadable", "", ""]
    assert {name.name for name in tmp_path.iterdir()} <= {path.name, f".{path.name}.lock"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_row_that_a_kill_has_torn_is_cut_off(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p{suffix}"
    with PredictionTable(path, GENRES) as table:
        table.append(good())
        table.append(good("c.wav"))
        killed = table._rows.read_bytes()
    path.unlink()
    for cut in (1, 30, len(killed) - 5):
        table._rows.write_bytes(killed[:-cut])
        with PredictionTable(path, GENRES) as again:
            for name in {"b.wav", "c.wav"} - again.done:
                again.append(good(name))
        assert sorted(row["path"] for row in rows_of(path)) == ["b.wav", "c.wav"]


def test_a_table_of_another_model_and_another_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    write_predictions(path, [good()], GENRES)
    with pytest.raises(RequestError, match="columns are those of another model"), PredictionTable(path, ("jazz",)):
        pass
    with (
        pytest.raises(RequestError, match=r"predicted by .*, this is svc-1"),
        PredictionTable(path, GENRES, model="svc-1"),
    ):
        pass
    with PredictionTable(path, GENRES), pytest.raises(RequestError, match="another run"), PredictionTable(path, GENRES):
        pass
    assert [row["path"] for row in rows_of(path)] == ["b.wav"]
    path.write_text("name,genre\na.wav,mine\n")
    with pytest.raises(RequestError, match="is not a table of predictions"):
        write_predictions(path, [], GENRES)
    with pytest.raises(RequestError, match="choose a name that ends so"):
        write_predictions(tmp_path / "p.txt", [], GENRES)


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RequestError, match=r'pip install "genreclf\[parquet\]"$'):
        write_predictions(tmp_path / "p.parquet", [good()], GENRES)


def test_texts_are_one_line_and_formulas_are_marked_when_asked_for(tmp_path: Path) -> None:
    odd = Prediction("=a\x1b.wav", "@pop\r", ("@pop\r",), np.zeros(1), np.array([[1.0]]))
    for spreadsheet, mark in ((False, ""), (True, "'")):
        path = tmp_path / f"{spreadsheet}.csv"
        write_predictions(path, [odd], odd.genres, spreadsheet=spreadsheet)
        with path.open(newline="", encoding="utf-8") as stream:
            [header, row] = csv.reader(stream)
        assert r"p_@pop\x0d" in header
        assert row[1] == rf"{mark}@pop\x0d"
        assert row[0].startswith(f"{mark}=a")
        with PredictionTable(path, odd.genres, spreadsheet=spreadsheet) as table:
            assert table.done == {"=a\x1b.wav"}
