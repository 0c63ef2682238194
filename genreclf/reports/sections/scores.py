"""The ranking, what leaking artists would have added, what a fit costs, and the tests behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genreclf.models import is_baseline
from genreclf.pages.blocks import Cell, Column, Section, Table, figure
from genreclf.pages.wording import model_title, p_value, protocol_title
from genreclf.reports.charts.cost import cost_chart
from genreclf.reports.charts.forest import forest
from genreclf.reports.charts.leak import leak_chart
from genreclf.reports.outcome import contenders, is_tied, rows_of, value_of
from genreclf.reports.sections.cells import interval_cell, score_cell, text_cell, time_cell, under_first

_MORE = {
    "balanced_accuracy": "Balanced accuracy",
    "macro_precision": "Macro precision",
    "macro_recall": "Macro recall",
    "roc_auc": "ROC AUC",
    "log_loss": "Log loss",
    "calibration_error": "Calibration error",
}

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def ranking(comparison: Comparison) -> Section:
    """The models under the first protocol: forest plot and table; other protocols folded below."""
    protocols = list(dict.fromkeys(comparison.scores["protocol"].astype(str)))
    others = [
        Section(
            f"ranking-{index}", f"Under {protocol_title(name)}", tables=(_ranking_table(comparison, name),), folded=True
        )
        for index, name in enumerate(protocols[1:], start=1)
    ]
    return Section(
        "ranking",
        "Ranking",
        lead=f"Under {protocol_title(comparison.protocol)}. Macro-F1 is the mean of the genres' F1, each genre weighing"
        " the same.",
        figures=(
            figure(
                "ranking",
                "Dots are macro-F1, lines 95 % intervals. Models on the bracket can't be told apart from the best.",
                lambda width: forest(comparison.ranking, width=width),
            ),
        ),
        tables=(_ranking_table(comparison, comparison.protocol),),
        parts=[*others, *_more_scores(comparison)],
    )


def _ranking_table(comparison: Comparison, protocol: str) -> Table:
    scores = comparison.scores[comparison.scores["protocol"] == protocol]
    columns = [Column("Model", numeric=False), Column("Macro-F1"), Column("95 % interval"), Column("Accuracy")]
    columns += [Column("p vs best"), Column("Fit"), Column("Predict")]
    studied = "study_macro_f1" in scores and bool(scores["study_macro_f1"].notna().any())
    columns += [Column("Study")] if studied else []
    rows = []
    for index, row in enumerate(rows_of(scores)):
        name = str(row["model"])
        p = value_of(row, "p_value")
        verdict = p_value(p)
        if not is_baseline(name) and index and is_tied(row):
            verdict = f"{verdict} tied".strip()
        rows.append(
            [
                text_cell(model_title(name), strong=index == 0),
                score_cell(row, "macro_f1"),
                interval_cell(row, "macro_f1"),
                score_cell(row, "accuracy"),
                Cell("best" if index == 0 else verdict, -1.0 if index == 0 else p),
                time_cell(row, "fit_seconds"),
                time_cell(row, "predict_seconds"),
                *([score_cell(row, "study_macro_f1")] if studied else []),
            ]
        )
    return Table(f"Scores under {protocol_title(protocol)}, points out of 100", columns, rows)


def _more_scores(comparison: Comparison) -> list[Section]:
    """The scores that the ranking does not show, where there are any."""
    scores = comparison.ranking
    names = [name for name in _MORE if name in scores]
    if not names:
        return []
    columns = [Column("Model", numeric=False)]
    for name in names:
        columns += [Column(_MORE[name]), Column("95 % interval")]
    rows = []
    for row in rows_of(scores):
        cells = [text_cell(model_title(str(row["model"])))]
        for name in names:
            cells += [_loss_cell(row), _loss_interval(row)] if name == "log_loss" else []
            cells += [] if name == "log_loss" else [score_cell(row, name), interval_cell(row, name)]
        rows.append(cells)
    table = Table("Other scores, points out of 100; the log loss in nats", columns, rows)
    return [Section("more-scores", "More scores", tables=(table,), folded=True)]


def _loss_cell(row: dict[str, Any]) -> Cell:
    value = value_of(row, "log_loss")
    return Cell(f"{value:.3f}" if value == value else "\u2013", value)  # noqa: PLR0124 - NaN


def _loss_interval(row: dict[str, Any]) -> Cell:
    low, high = value_of(row, "log_loss_low"), value_of(row, "log_loss_high")
    return Cell(f"{low:.3f} to {high:.3f}" if low == low else "", low)  # noqa: PLR0124 - NaN


def leak(comparison: Comparison) -> Section | None:
    """Artist-safe beside random."""
    rows = comparison.leak
    if rows.empty:
        return None
    order = {name: index for index, name in enumerate(comparison.ranking["model"])}
    ordered = contenders(rows).sort_values("model", key=lambda names: names.map(order), kind="stable")
    return Section(
        "leak",
        "What leaking artists would have added",
        short="Leak",
        lead="Tracks of one artist sound alike. A split that puts some of them into training and others into the test"
        " rewards a model for knowing the artist, and promises more than new artists will show.",
        figures=(
            figure(
                "leak",
                "The same models with each artist's tracks kept on one side (dots), and with tracks dealt at random"
                " (diamonds). At the right, the difference with its 95 % interval.",
                lambda width: leak_chart(ordered, width=width),
            ),
        ),
    )


def cost(comparison: Comparison) -> Section | None:
    """Score against fit time."""
    ranking = contenders(comparison.ranking)
    if "fit_seconds" not in ranking or (ranking["fit_seconds"] > 0).sum() < 2:
        return None
    return Section(
        "cost",
        "Score against fit time",
        short="Time",
        figures=(
            figure(
                "cost",
                "Macro-F1 with 95 % intervals over the time that fitting took. The dotted line joins the models that"
                " nothing quicker beats.",
                lambda width: cost_chart(ranking, width=width),
            ),
        ),
    )


def tests(comparison: Comparison) -> Section | None:
    """The paired tests behind the ranking."""
    frame = under_first(comparison, comparison.tests)
    if frame is None:
        return None
    columns = [Column("Model", numeric=False), Column("Against", numeric=False), Column("Test", numeric=False)]
    columns += [Column("Statistic"), Column("p"), Column("p, Holm-corrected")]
    rows = [
        [
            text_cell(model_title(str(row["model"]))),
            text_cell(model_title(str(row["best"]))),
            text_cell(row["test"]),
            Cell(f"{value_of(row, 'statistic'):.4g}", value_of(row, "statistic")),
            Cell(p_value(value_of(row, "p_value")), value_of(row, "p_value")),
            Cell(p_value(value_of(row, "p_holm")), value_of(row, "p_holm")),
        ]
        for row in rows_of(frame)
    ]
    table = Table("Each model against the best, on the same tracks", columns, rows)
    return Section("tests", "Paired tests", short="Tests", tables=(table,), folded=True)
