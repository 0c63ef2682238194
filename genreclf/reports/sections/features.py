"""What the features are worth: families added one by one, families shuffled, and what tuning chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.blocks import Column, Section, Table, figure
from genreclf.pages.wording import family_title, model_title
from genreclf.reports.charts.ablation import ablation_chart
from genreclf.reports.charts.strip import StripRow, strip
from genreclf.reports.outcome import contenders, rows_of, score_of
from genreclf.reports.sections.cells import score_cell, text_cell, under_first

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


def ablation(comparison: Comparison) -> Section | None:
    """The staircase of feature families, for each model that was asked for."""
    frame = under_first(comparison, comparison.ablation)
    if frame is None:
        return None
    names = _in_order(comparison, frame[frame["step"] == "added"])
    parts = [_stairs(frame[frame["model"] == name], name, number) for number, name in enumerate(names, start=1)]
    if not parts:
        return None
    return Section(
        "ablation",
        "Feature families one by one",
        short="Families",
        lead="Each row adds a family to those above it; the diamond is the family alone. At the right, the score and"
        " what the step added.",
        figures=parts[0].figures,
        parts=parts[1:],
    )


def _in_order(comparison: Comparison, frame: pd.DataFrame) -> list[str]:
    present = set(frame["model"].astype(str))
    return [str(name) for name in comparison.ranking["model"] if str(name) in present]


def _stairs(steps: pd.DataFrame, name: str, number: int) -> Section:
    title = model_title(name)
    return Section(
        f"ablation-{number}",
        title,
        figures=(
            figure(
                f"ablation-{number}",
                f"{title}: macro-F1 with 95 % intervals as feature families are added.",
                lambda width: ablation_chart(steps, model=title, width=width),
            ),
        ),
        folded=True,
    )


def importance(comparison: Comparison) -> Section | None:
    """What macro-F1 loses when a family is shuffled."""
    frame = under_first(comparison, comparison.importance)
    if frame is None:
        return None
    names = _in_order(comparison, contenders(frame))
    if not names:
        return None
    best, others = model_title(names[0]), names[1:]
    mine = frame[frame["model"] == names[0]].sort_values("drop", ascending=False, kind="stable")
    rows = []
    for row in rows_of(mine):
        same = frame[(frame["family"] == row["family"]) & frame["model"].isin(others)]
        rest = [(model_title(str(other["model"])), score_of(other, "drop")[0]) for other in rows_of(same)]
        rows.append(StripRow(family_title(str(row["family"])), score_of(row, "drop"), rest))
    return Section(
        "importance",
        "Importance of each family",
        short="Importance",
        lead="How many points of macro-F1 are lost when the family's values are shuffled among the test tracks. A"
        " family that says the same as another one seems less important than it is.",
        figures=(
            figure(
                "importance",
                f"{best} with 95 % intervals" + (", the other models as small dots." if others else "."),
                lambda width: strip(
                    rows,
                    title="Points of macro-F1 lost without each family",
                    axis="points of macro-F1 lost",
                    model=best,
                    width=width,
                    from_zero=True,
                ),
            ),
        ),
    )


def tuning(comparison: Comparison) -> Section | None:
    """What the search inside the training folds chose."""
    frame = under_first(comparison, comparison.tuning)
    if frame is None:
        return None
    columns = [Column("Model", numeric=False), Column("Fold"), Column("Parameters", numeric=False)]
    columns.append(Column("Inner macro-F1"))
    rows = [
        [
            text_cell(model_title(str(row["model"]))),
            text_cell(row["fold"]),
            text_cell(row["parameters"]),
            score_cell(row, "inner_macro_f1"),
        ]
        for row in rows_of(frame)
    ]
    table = Table("Parameters chosen within each training fold", columns, rows)
    return Section("tuning", "What tuning chose", short="Tuning", tables=(table,), folded=True)
