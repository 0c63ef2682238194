"""Genre by genre, and each model on its own: confusion matrix, reliability, a line a genre."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.evaluation.probability_scores import reliability_of
from genreclf.pages.blocks import Cell, Column, Figure, Section, Table, figure
from genreclf.pages.wording import model_title, points
from genreclf.reports.charts.confusion import confusion_matrix
from genreclf.reports.charts.reliability import reliability_diagram
from genreclf.reports.charts.strip import StripRow, strip
from genreclf.reports.outcome import confusion_of, model_columns, rows_of, score_of, value_of
from genreclf.reports.sections.cells import interval_cell, score_cell, text_cell, under_first

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


def genres(comparison: Comparison) -> Section | None:
    """F1 of each genre, the best model first."""
    scores = under_first(comparison, comparison.genre_scores)
    names = [name for name in model_columns(comparison) if scores is not None and (scores["model"] == name).any()]
    if scores is None or not names:
        return None
    mine = scores[scores["model"] == names[0]].sort_values("f1", ascending=False, kind="stable")
    others: dict[str, list[tuple[str, float]]] = {}
    for row in rows_of(scores[scores["model"].isin(names[1:])]):
        others.setdefault(str(row["genre"]), []).append((model_title(str(row["model"])), value_of(row, "f1")))
    rows = [StripRow(str(r["genre"]), score_of(r, "f1"), others.get(str(r["genre"]), ())) for r in rows_of(mine)]
    best = model_title(names[0])
    return Section(
        "genres",
        "Genre by genre",
        short="Genres",
        figures=(
            figure(
                "genres",
                f"F1 of each genre, easiest first: {best} with its 95 % interval"
                + (", the other models as small dots." if names[1:] else "."),
                lambda width: strip(
                    rows, title="F1 of each genre", axis="F1, points out of 100", model=best, width=width
                ),
            ),
        ),
    )


def models(comparison: Comparison) -> Section | None:
    """For each model: confusion matrix, reliability and a line a genre."""
    names = model_columns(comparison)
    parts = [_model(comparison, name, number) for number, name in enumerate(names, start=1)]
    if not parts:
        return None
    return Section(
        "models",
        "Model by model",
        short="Models",
        lead="Rows of a confusion matrix are what tracks are, columns what the model said. The large number and the"
        " colour are the share of the row in percent, the small number counts tracks; blue is right, orange is wrong.",
        parts=parts,
    )


def _model(comparison: Comparison, name: str, number: int) -> Section:
    title = model_title(name)
    confusion = confusion_of(comparison, name)
    figures = [
        figure(
            f"confusion-{number}",
            f"{title}: what tracks of each genre were said to be.",
            lambda width: confusion_matrix(confusion, model=title, width=min(width, 490)),
        ),
        *_reliability(comparison, name, number),
    ]
    scores = under_first(comparison, comparison.genre_scores)
    mine = None if scores is None else scores[scores["model"] == name]
    tables = () if mine is None or mine.empty else (_genre_table(mine, title),)
    return Section(f"model-{number}", title, figures=figures, tables=tables, folded=number > 1, beside=True)


def _reliability(comparison: Comparison, name: str, number: int) -> list[Figure]:
    bins = reliability_of(comparison, name)
    if bins is None:
        return []
    ranked = [row for row in rows_of(comparison.ranking) if row["model"] == name]
    scored = value_of(ranked[0], "calibration_error") if ranked else math.nan
    # The evaluation's own error has an interval and finer bins; the picture's is for where that is missing.
    error = scored if math.isfinite(scored) else bins.error
    caption = (
        f"{model_title(name)}: share of right answers over confidence, with 95 % intervals; below, how many tracks."
        f" On the dashed line a model means what it says; expected calibration error {points(error)} points."
    )
    return [Figure(f"reliability-{number}", caption, reliability_diagram(bins, model=model_title(name)))]


def _genre_table(scores: pd.DataFrame, title: str) -> Table:
    columns = [Column("Genre", numeric=False), Column("Tracks"), Column("Precision"), Column("Recall")]
    columns += [Column("F1"), Column("95 % interval")]
    rows = [
        [
            text_cell(row["genre"]),
            Cell(f"{value_of(row, 'support'):,.0f}", value_of(row, "support")),
            score_cell(row, "precision"),
            score_cell(row, "recall"),
            score_cell(row, "f1"),
            interval_cell(row, "f1"),
        ]
        for row in rows_of(scores)
    ]
    return Table(f"{title}, a line a genre, points out of 100", columns, rows)
