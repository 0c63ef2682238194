"""The outcome of a benchmark of taggers: a handful of tables, written as CSV files into a report folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.evaluation.comparison import check_report_folder
from genreclf.evaluation.record import plain_rows, write_tables

if TYPE_CHECKING:
    import pandas as pd

TABLES = (
    "scores",
    "predictions",
    "tag_scores",
    "tests",
    "cooccurrence",
    "confusion",
    "errors",
    "retrieval",
    "probabilities",
)


@dataclass(frozen=True, eq=False)
class TagComparison:
    """What a benchmark of taggers found.

    Parameters
    ----------
    scores : one row for each model, best macro ROC AUC first, references last: ``protocol, model, macro_roc_auc,
        macro_average_precision, macro_f1, micro_f1, lrap, precision_at_1, precision_at_3``, each with ``_low`` and
        ``_high``; ``p_value`` (of being among the best, for all models together; empty for the best),
        ``tied_with_best`` (bool: it is not the best, and may be), ``fit_seconds, predict_seconds``. Scores are shares
        from 0 to 1.
    tag_scores : ``protocol, model, tag, support, artists, share``, then ``roc_auc, average_precision, f1``, each with
        ``_low`` and ``_high``, and ``precision, recall`` and the mean ``threshold`` over the folds; only tags that a
        fold can test.
    predictions : ``protocol, fold, track_id, tags``, then a column for each model with the tags that it predicted.
    tests : ``protocol, model, best, difference, difference_low, difference_high, p_value, p_holm``: of the macro ROC
        AUC, each model, references included, against the best one.
    cooccurrence : ``tag, other, tracks, share``: tracks that have both, and their share of those that have the first.
    confusion : ``model, tag, other, tracks, share``: tracks of the first tag without the other, that the best model
        gave the other, and their share of them.
    errors : the tracks that the best model got most wrong: ``track_id, tags, predicted, missed, added, log_loss``.
    retrieval : see `genreclf.evaluation.multilabel.retrieval`.
    probabilities : ``protocol, fold, track_id, model``, then a column for each tag; empty unless requested.
    run, notes : as in `genreclf.evaluation.comparison.Comparison`.
    """

    scores: pd.DataFrame
    tag_scores: pd.DataFrame
    predictions: pd.DataFrame
    tests: pd.DataFrame
    cooccurrence: pd.DataFrame
    confusion: pd.DataFrame
    errors: pd.DataFrame
    retrieval: pd.DataFrame
    probabilities: pd.DataFrame
    run: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def protocol(self) -> str:
        """The protocol's name."""
        return str(self.scores["protocol"].iloc[0])

    @property
    def best(self) -> str:
        """The name of the model with the highest macro ROC AUC, references apart."""
        return str(self.scores["model"].iloc[0])

    def as_json(self) -> dict[str, Any]:
        """The tables that rank models and tags in plain values, for programs; missing values are None."""
        tables = {name: getattr(self, name) for name in ("scores", "tag_scores", "tests")}
        run = {"task": "multi-label", "best": self.best, "protocol": self.protocol, "seconds": self.run.get("seconds")}
        return run | plain_rows(tables) | {"notes": list(self.notes)}

    def write(self, folder: Path | str) -> None:
        """Write the tables into a folder, each file whole or not at all.

        Raises
        ------
        RequestError : the folder cannot be written to, or holds files that are not ours.
        """
        folder = Path(folder)
        check_report_folder(folder, TABLES)
        write_tables(folder, {name: getattr(self, name) for name in TABLES}, self.run, self.notes)
