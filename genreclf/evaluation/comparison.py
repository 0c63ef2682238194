"""The outcome of a benchmark: predictions, scores, and the models that may be the best.

A comparison is a handful of tables. They are written as CSV files into a report folder and read back from there, so
that pages can be made again and runs can be compared.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.display import Displayed
from genreclf.errors import RequestError
from genreclf.evaluation.record import RUN, plain_rows, write_tables
from genreclf.files import check_folder, check_unmarked

if TYPE_CHECKING:
    import pandas as pd

SINGLE_LABEL = "single-label"  # the task of a run whose run.json names none
_TEXTS = (
    *("protocol", "track_id", "genre", "model", "artist", "title", "path"),
    *("families", "family", "predicted", "wrong_genre", "suggested"),
)
# The other columns of this table are named by the genres, and a genre may be called path.
_PREDICTIONS: dict[str, str] = defaultdict(lambda: "str", fold="int64", repeat="int64")
_TEXTS_OF_PROBABILITIES = ("protocol", "track_id", "model")


def _no_rows() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Displayed):
    """What a benchmark found.

    Parameters
    ----------
    scores : one row for each protocol and model, best macro-F1 first within a protocol: ``protocol, model,
        macro_f1, macro_f1_low, macro_f1_high, accuracy`` (and other scores, each with ``_low`` and ``_high``),
        ``repeats`` (divisions of the folds, over which scores are means), ``macro_f1_sd`` (standard deviation over
        them; empty for one), ``p_value`` (of being among the best, for all models together; empty for the best),
        ``tied_with_best`` (bool: it is not the best, and may be), ``fit_seconds, predict_seconds``. Scores are shares
        from 0 to 1.
    predictions : ``protocol, fold, track_id, genre``, then a column for each model with the genre that it predicted, in
        the first division of the folds.
    repeats : ``protocol, repeat, fold, track_id, genre``, then the same for each further division, numbered from 2,
        empty for models that it leaves out; empty without further divisions.
    learning_curve : ``protocol, model, artists, tracks`` (trained on, means over folds), ``extrapolated`` (bool: by
        the fitted curve, for twice the artists), ``macro_f1, macro_f1_low, macro_f1_high``, and ``gain, gain_low,
        gain_high`` of the extrapolation; empty unless requested.
    confusion : ``protocol, model, genre, predicted, tracks``; means over the divisions.
    genre_scores : ``protocol, model, genre, support, precision, recall, f1, f1_low, f1_high``.
    tests : ``protocol, model, best, test, statistic, p_value, p_holm``; one row for each paired test.
    tracks : ``track_id, genre``, and ``artist, title, path`` where known; ``map_x, map_y``, the track's place on a
        two-dimensional map of the features; and, where models have probabilities, ``wrong_genre, wrong_confidence``:
        the most probable of the other genres under the first protocol, and its mean probability over the models.
    probabilities : ``protocol, fold, track_id, model``, then a column for each genre; empty unless requested.
    leak : ``model, macro_f1_safe, macro_f1_random, leak, leak_low, leak_high``; empty without artists.
    ablation : ``protocol, model, step`` (``alone`` or ``added``), ``families, features, macro_f1, macro_f1_low,
        macro_f1_high``, and ``gain, gain_low, gain_high`` over the step before; empty unless requested.
    importance : ``protocol, model, family, drop, drop_low, drop_high``: how far macro-F1 drops when the family is
        shuffled over the test tracks; empty unless requested.
    tuning : ``protocol, model, fold, parameters`` (JSON), ``inner_macro_f1``; empty unless requested.
    tuning_gains : ``protocol, model, macro_f1_default, macro_f1_tuned, gain, gain_low, gain_high``: what tuning adds to
        the default parameters, in the first division of the folds; empty unless requested.
    trials : ``protocol, model, fold, trial, epochs, ended`` (the epochs that the whole search had trained by then),
        ``pruned, loss, macro_f1`` (inside the training part; empty where the loss was not finite), ``parameters``
        (JSON): what the search for a network's parameters tried in each fold of the first division; empty unless
        requested.
    retrieval : ``method, genre, tracks, average_precision, precision_at_10``, the genre ``all`` first.
    label_issues : ``track_id, genre, suggested, probability`` (of the genre), ``confidence`` (of the suggested one),
        ``score`` (confidence less probability, highest first), and ``artist, title, path`` where known: the tracks
        whose genre is most likely wrong, see `genreclf.evaluation.label_issues`; empty where no model has
        probabilities.
    run : what was done: command, protocols, parameters, seed, versions, table name and hash, start, seconds.
    notes : what the user must see: folds that lack a genre, duplicates, constant features.
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame
    genre_scores: pd.DataFrame
    tests: pd.DataFrame
    tracks: pd.DataFrame
    probabilities: pd.DataFrame
    leak: pd.DataFrame
    ablation: pd.DataFrame
    importance: pd.DataFrame
    tuning: pd.DataFrame
    retrieval: pd.DataFrame
    learning_curve: pd.DataFrame = field(default_factory=_no_rows)
    repeats: pd.DataFrame = field(default_factory=_no_rows)
    confusion: pd.DataFrame = field(default_factory=_no_rows)
    tuning_gains: pd.DataFrame = field(default_factory=_no_rows)
    trials: pd.DataFrame = field(default_factory=_no_rows)
    label_issues: pd.DataFrame = field(default_factory=_no_rows)
    run: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        table = self.run.get("table")
        name = table.get("name") if isinstance(table, Mapping) else None
        best = self.ranking.iloc[0]
        what = f"{len(self.ranking)} models on {name or 'a table'}, {self.protocol}"
        return f"<comparison of {what}: best {self.best}, macro-F1 {100 * best['macro_f1']:.1f}>"

    @property
    def protocol(self) -> str:
        """The protocol that the ranking goes by: the first one."""
        return str(self.scores["protocol"].iloc[0])

    @property
    def ranking(self) -> pd.DataFrame:
        """The scores under the first protocol, best model first."""
        return self.scores[self.scores["protocol"] == self.protocol].reset_index(drop=True)

    @property
    def best(self) -> str:
        """The name of the model with the highest macro-F1 under the first protocol, baselines apart."""
        return str(self.ranking["model"].iloc[0])

    def as_json(self) -> dict[str, Any]:
        """The tables that rank models in plain values, for programs; missing values are None."""
        tables = {
            name: getattr(self, name) for name in ("scores", "leak", "tests", "ablation", "importance", "tuning_gains")
        }
        run = {"best": self.best, "protocol": self.protocol, "seconds": self.run.get("seconds")}
        return run | plain_rows(tables) | {"notes": list(self.notes)}

    def write(self, folder: Path | str) -> None:
        """Write the tables into a folder, each file whole or not at all.

        Raises
        ------
        RequestError : the folder cannot be written to, or holds files that are not ours; see `check_report_folder`.
        """
        folder = Path(folder)
        check_report_folder(folder)
        tables = {name: getattr(self, name) for name in _tables()}
        write_tables(folder, tables, self.run, self.notes, always=("scores", "predictions"))

    @classmethod
    def read(cls, folder: Path | str) -> Comparison:
        """Read a report folder back.

        Raises
        ------
        RequestError : the folder holds no comparison, or one of its files cannot be used.
        """
        import pandas as pd

        folder = Path(folder)
        if not (folder / "scores.csv").is_file():
            raise RequestError(f"{folder}: no scores.csv there; give the folder of a benchmark's report")
        try:
            run = json.loads((folder / RUN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise RequestError(f"{folder / RUN}: missing or damaged; run the benchmark again") from None
        if run.get("task", SINGLE_LABEL) != SINGLE_LABEL:
            raise RequestError(f"{folder}: a report of task {run['task']!r}; only runs that predict genres can be read")
        tables = {}
        for name in _tables():
            path = folder / f"{name}.csv"
            # Predictions are names too: a genre may be called 01, or NA.
            types = _PREDICTIONS if name in ("predictions", "repeats") else _texts(name)
            try:
                tables[name] = (
                    pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
                    if path.is_file()
                    else pd.DataFrame()
                )
            except ValueError as error:
                raise RequestError(f"{path}: cannot be read as a table: {error}") from None
        return cls(**tables, run=run, notes=tuple(run.get("notes", ())))


def _texts(table: str) -> dict[str, str]:
    return dict.fromkeys(_TEXTS_OF_PROBABILITIES if table == "probabilities" else _TEXTS, "str")


def check_report_folder(folder: Path, tables: Sequence[str] = ()) -> None:
    """Refuse a place for a report before work begins: a report may be replaced, and nothing else.

    ``run.json``, which is written first, tells that the folder's files of a report's names are ours.

    Parameters
    ----------
    tables : names of the report's tables; by default those of a `Comparison`.

    Raises
    ------
    RequestError : it is a file, or a folder with files of these names and without a report.
    """
    check_folder(folder)
    with suppress(OSError, ValueError, LookupError, TypeError):
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
        if run["versions"]["genreclf"] and type(run["notes"]) is list:
            return
    names = [RUN, *(f"{name}.csv" for name in tables or _tables()), "report.html", "report.md", "pictures"]
    check_unmarked(*(folder / name for name in names), what="a report of genreclf")


def _tables() -> list[str]:
    return [f.name for f in fields(Comparison) if f.name not in ("run", "notes")]
