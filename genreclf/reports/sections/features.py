"""What the features contribute: families added one by one, families permuted, and the parameters that tuning chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.blocks import Figure, Section, figure, table
from genreclf.pages.wording import model_title
from genreclf.reports import columns
from genreclf.reports.charts.ablation import ablation_chart
from genreclf.reports.charts.strip import best_and_others
from genreclf.reports.outcome import contenders, rows_of, under_first

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


def ablation(comparison: Comparison) -> Section | None:
    """The scores as feature families are added, for each model; all but the best folded."""
    frame = under_first(comparison, comparison.ablation)
    names = _ranked(comparison, frame[frame["step"] == "added"]) if len(frame) else []
    if not names:
        return None
    figures = [_stairs(frame[frame["model"] == name], name, number) for number, name in enumerate(names, start=1)]
    return Section(
        "ablation",
        "Feature families one by one",
        short="Families",
        lead="Each row adds a family to those above it; the diamond is the family alone. At the right, the score and"
        " the gain of the step.",
        figures=figures[:1],
        parts=[
            Section(shown.name, model_title(name), figures=[shown], folded=True)
            for name, shown in zip(names[1:], figures[1:], strict=True)
        ],
    )


def _ranked(comparison: Comparison, frame: pd.DataFrame) -> list[str]:
    present = set(frame["model"].astype(str))
    return [str(name) for name in comparison.ranking["model"] if str(name) in present]


def _stairs(steps: pd.DataFrame, name: str, number: int) -> Figure:
    title = model_title(name)
    return figure(
        f"ablation-{number}",
        f"{title}: macro-F1 with 95 % intervals as feature families are added.",
        lambda width: ablation_chart(steps, model=title, width=width),
    )


def importance(comparison: Comparison) -> Section | None:
    """How much macro-F1 drops when a family is permuted."""
    frame = under_first(comparison, comparison.importance)
    names = _ranked(comparison, contenders(frame)) if len(frame) else []
    if not names:
        return None
    caption, draw = best_and_others(
        frame,
        names,
        by="family",
        value="drop",
        title="Drop in macro-F1 when a family is permuted",
        axis="drop in macro-F1, points",
        from_zero=True,
    )
    return Section(
        "importance",
        "Permutation importance of each family",
        short="Importance",
        lead="How many points of macro-F1 are lost when the values of a family are permuted among the test tracks. A"
        " family that carries the same information as another one seems less important than it is.",
        figures=[figure("importance", caption, draw)],
    )


def tuning(comparison: Comparison) -> Section | None:
    """The parameters that the search inside the training folds chose."""
    rows = rows_of(under_first(comparison, comparison.tuning))
    if not rows:
        return None
    shown = {
        "Model": columns.model(),
        "Fold": columns.number("fold", "{:.0f}".format),
        "Parameters": columns.text("parameters"),
        "Inner macro-F1": columns.number("inner_macro_f1"),
    }
    chosen = table("Parameters chosen within each training fold", rows, shown)
    return Section("tuning", "Tuned parameters", short="Tuning", tables=[chosen], folded=True)
