"""What the features contribute: families added one by one, families permuted, and the parameters that tuning chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.blocks import Cell, Figure, Section, Table, table
from genreclf.pages.wording import family_title, model_title
from genreclf.reports import columns
from genreclf.reports.charts.ablation import ablation_chart
from genreclf.reports.charts.search import search_chart
from genreclf.reports.charts.strip import best_and_others
from genreclf.reports.outcome import contenders, rows_of, under_first

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


_GAIN = {
    "Gain": columns.number("gain", columns.signed),
    "95 % interval of the gain": columns.ends("gain", columns.signed),
}


def ablation(comparison: Comparison) -> Section | None:
    """The scores as feature families are added, for each model; all but the best folded."""
    frame = under_first(comparison, comparison.ablation)
    names = _ranked(comparison, frame[frame["step"] == "added"]) if len(frame) else []
    if not names:
        return None
    steps = {name: frame[frame["model"] == name] for name in names}
    figures = [_stairs(steps[name], name, number) for number, name in enumerate(names, start=1)]
    return Section(
        "ablation",
        "Feature families one by one",
        short="Families",
        lead="Each row adds a family to those above it; the diamond is the family alone. At the right, the score and"
        " the gain of the step.",
        figures=figures[:1],
        tables=[_gains(steps[names[0]], names[0])],
        parts=[
            Section(shown.name, model_title(name), figures=[shown], tables=[_gains(steps[name], name)], folded=True)
            for name, shown in zip(names[1:], figures[1:], strict=True)
        ],
    )


def _ranked(comparison: Comparison, frame: pd.DataFrame) -> list[str]:
    present = set(frame["model"].astype(str))
    return [str(name) for name in comparison.ranking["model"] if str(name) in present]


def _stairs(steps: pd.DataFrame, name: str, number: int) -> Figure:
    title = model_title(name)
    return Figure(
        f"ablation-{number}",
        f"{title}: macro-F1 with 95 % intervals as feature families are added.",
        lambda width: ablation_chart(steps, model=title, width=width),
    )


def _gains(steps: pd.DataFrame, name: str) -> Table:
    """The scores of the steps, and what each adds, with intervals."""
    shown = {
        "Families": lambda row: Cell(family_title(str(row["families"]))),
        "Macro-F1": columns.number("macro_f1"),
        "95 % interval": columns.ends("macro_f1"),
        **_GAIN,
    }
    caption = f"{model_title(name)}: families added one after another, and what each step adds on the same tracks"
    return table(caption, rows_of(steps[steps["step"] == "added"]), shown)


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
        figures=[Figure("importance", caption, draw)],
    )


def tuning(comparison: Comparison) -> Section | None:
    """What tuning adds, and the parameters that the search inside the training folds chose."""
    gains = rows_of(under_first(comparison, comparison.tuning_gains))
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
    compared = {
        "Model": columns.model(),
        "Default": columns.number("macro_f1_default"),
        "Tuned": columns.number("macro_f1_tuned"),
        **_GAIN,
    }
    caption = "Macro-F1 with default and with tuned parameters on the same test tracks, without repeats"
    return Section(
        "tuning",
        "Tuning",
        tables=[table(caption, gains, compared)] if gains else [],
        parts=[*_searches(comparison), Section("tuned-parameters", "Tuned parameters", tables=[chosen], folded=True)],
    )


def _searches(comparison: Comparison) -> list[Section]:
    """For each network, how the search for its parameters went."""
    frame = under_first(comparison, comparison.trials)
    frame = frame[frame["loss"].notna()] if "ended" in frame else frame.iloc[:0]
    found = []
    for name in _ranked(comparison, frame) if len(frame) else []:
        trials = frame[frame["model"] == name]
        pruned, epochs = int(trials["pruned"].sum()), int(trials["epochs"].sum())
        best = trials.sort_values(["pruned", "loss"], kind="stable").drop_duplicates("fold").sort_values("fold")
        shown = {
            "Fold": columns.number("fold", "{:.0f}".format),
            "Trial": columns.number("trial", "{:.0f}".format),
            "Epochs": columns.number("epochs", "{:.0f}".format),
            "Inner loss": columns.number("loss", "{:.3f}".format),
            "Inner macro-F1": columns.number("macro_f1"),
            "Parameters": columns.text("parameters"),
        }
        title = model_title(name)
        found.append(
            Section(
                f"search-{name}",
                f"Search: {title}",
                lead=f"{len(trials)} trials in {trials['fold'].nunique()} folds, of which {pruned} were given up by"
                f" successive halving; {epochs:,} epochs in all.",
                figures=[_search(trials, name)],
                tables=[table("The best trial of each fold", rows_of(best), shown)],
                folded=True,
            )
        )
    return found


def _search(trials: pd.DataFrame, name: str) -> Figure:
    return Figure(
        f"search-{name}",
        f"{model_title(name)}: the lowest loss inside each training part, over the epochs that its search trained.",
        lambda width: search_chart(trials, width=width),
    )
