"""Scores by genre, the learning curve, and each model: confusion matrix, reliability, risk and coverage, scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.evaluation.probability_scores import reliability_of
from genreclf.pages.blocks import Figure, Section, Table, table
from genreclf.pages.wording import model_title, points
from genreclf.reports import columns
from genreclf.reports.charts.confusion import confusion_matrix
from genreclf.reports.charts.learning_curve import learning_curve_chart
from genreclf.reports.charts.reliability import reliability_diagram
from genreclf.reports.charts.risk_coverage import risk_coverage_chart
from genreclf.reports.charts.strip import best_and_others
from genreclf.reports.outcome import confusion_of, model_columns, rows_of, training_unit, under_first, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genreclf.evaluation.comparison import Comparison


def genres(comparison: Comparison) -> Section | None:
    """F1 by genre, for the best model and the others."""
    scores = under_first(comparison, comparison.genre_scores)
    names = [name for name in model_columns(comparison) if len(scores) and (scores["model"] == name).any()]
    if not names:
        return None
    caption, draw = best_and_others(
        scores, names, by="genre", value="f1", title="F1 by genre", axis="F1, points out of 100"
    )
    caption = f"F1 by genre, highest first: {caption}"
    return Section("genres", "Scores by genre", short="Genres", figures=[Figure("genres", caption, draw)])


def learning_curve(comparison: Comparison) -> Section | None:
    """How the scores grow with the artists trained on."""
    curves = under_first(comparison, comparison.learning_curve)
    if curves.empty:
        return None
    unit, title = training_unit(comparison), model_title(str(curves["model"].iloc[0]))
    shown = {
        "Model": columns.model(),
        unit.capitalize(): columns.number("artists", "{:,.1f}".format),
        "Tracks": columns.number("tracks", "{:,.1f}".format),
        "Macro-F1": columns.number("macro_f1"),
        "95 % interval": columns.ends("macro_f1"),
        "Gain, extrapolated": columns.number("gain", columns.signed),
        "95 % interval of the gain": columns.ends("gain", columns.signed),
    }
    sizes = table(f"Scores by the {unit} trained on, means over folds and draws", rows_of(curves), shown)
    return Section(
        "learning-curve",
        "Learning curve",
        short="More tracks",
        lead=f"Each model trained on parts of the {unit}, always tested on the same tracks. The last point is an"
        " inverse power law, fitted to the others and continued to twice the size; it supposes that the new music is"
        " like the old.",
        figures=[
            Figure(
                "learning-curve",
                f"{title}: macro-F1 with 95 % intervals by the number of {unit} trained on.",
                lambda width: learning_curve_chart(curves, unit=unit, width=width),
            )
        ],
        parts=[Section("learning-curve-sizes", "All sizes and models", tables=[sizes], folded=True)],
    )


def models(comparison: Comparison) -> Section | None:
    """For each model: confusion matrix, reliability diagram and scores by genre."""
    names = model_columns(comparison)
    parts = [_model(comparison, name, number) for number, name in enumerate(names, start=1)]
    if not parts:
        return None
    return Section(
        "models",
        "Model by model",
        short="Models",
        lead="Rows of a confusion matrix are true genres, columns predicted genres. The large number and the colour"
        " give the percentage of the row, the small number counts tracks; blue is correct, orange is wrong."
        + (" Of repeats, the matrices show the first; scores are means." if len(comparison.repeats) else ""),
        parts=parts,
    )


def _model(comparison: Comparison, name: str, number: int) -> Section:
    title = model_title(name)
    confusion = confusion_of(comparison, name)
    matrix = Figure(
        f"confusion-{number}",
        f"{title}: true and predicted genres.",
        lambda width: confusion_matrix(confusion, model=title, width=min(width, 490)),
    )
    return Section(
        f"model-{number}",
        title,
        figures=[matrix, *_reliability(comparison, name, number)],
        tables=list(_genre_scores(comparison, name)),
        folded=number > 1,
        beside=True,
    )


def _reliability(comparison: Comparison, name: str, number: int) -> Iterator[Figure]:
    measured, title = reliability_of(comparison, name), model_title(name)
    if measured is None:
        return
    row = next((row for row in rows_of(comparison.ranking) if row["model"] == name), {})
    scored = value_of(row, "calibration_error")
    # The score is over finer bins, as its interval is; the diagram's is for reports without such a column.
    error = scored if math.isfinite(scored) else measured.error
    caption = (
        f"{title}: accuracy against confidence, with 95 % intervals; below, the number of tracks. A perfectly"
        f" calibrated model lies on the dashed line; its calibration error (root mean square,"
        f" beyond what chance makes) is {points(error)} points."
    )
    yield Figure(
        f"reliability-{number}",
        caption,
        lambda width: reliability_diagram(measured, model=title, width=min(width, 340)),
    )
    area = sum(measured.risks) / len(measured.risks)
    caption = (
        f"{title}: share of wrong predictions if only the most confident tracks are answered; the area under the curve"
        f" (AURC) is {points(area)} points."
    )
    yield Figure(
        f"risk-coverage-{number}",
        caption,
        lambda width: risk_coverage_chart(measured.risks, model=title, width=min(width, 340)),
    )


def _genre_scores(comparison: Comparison, name: str) -> Iterator[Table]:
    scores = under_first(comparison, comparison.genre_scores)
    rows = rows_of(scores[scores["model"] == name]) if len(scores) else []
    if rows:
        shown = {
            "Genre": columns.text("genre"),
            "Tracks": columns.tracks("support"),
            "Precision": columns.number("precision"),
            "Recall": columns.number("recall"),
            "F1": columns.scored("f1"),
        }
        yield table(f"{model_title(name)}: scores by genre, in points out of 100, F1 with 95 % intervals", rows, shown)
