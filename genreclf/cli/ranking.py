"""How a comparison looks on a terminal: the ranking, the findings, the ablation, and where the report is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.cli.console import print_widest, show, text_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.table import Table

    from genreclf.evaluation.comparison import Comparison

_BAR = 16
_NEVER = 9


def show_comparison(comparison: Comparison, folder: Path | str) -> None:
    """Print a comparison on standard output; scores are in points out of 100.

    Parameters
    ----------
    folder : where the report is.
    """
    from genreclf.reports.findings import NOT_WORSE, findings, unknown_artists

    first = unknown_artists(comparison)
    for finding in first:
        show(f"{finding.topic}: {finding.text}")
    print_widest(_ranking(comparison, without) for without in range(6))
    if comparison.ranking["tied_with_best"].any():
        show(f"~ {NOT_WORSE} (model confidence set, p ≥ 0.05)")
    for finding in findings(comparison, most=None)[len(first) :]:
        show(f"{finding.topic}: {finding.text}")
    if len(comparison.ablation):
        models = list(dict.fromkeys(comparison.ablation["model"]))
        print_widest(_ablation(comparison, models, gains) for gains in (models, models[:1], []))
    show(f"report: {Path(folder) / 'report.html'}")


def show_scores(comparison: Any, folder: Path | str, *, columns: Mapping[str, str]) -> None:  # noqa: ANN401
    """Print the scores of a comparison of any task on standard output, in points out of 100.

    Parameters
    ----------
    comparison : what has `scores`, `protocol`, `best` and `run`.
    columns : titles and names of the scores to show; the first with its interval.
    """
    from genreclf.pages.wording import interval, points
    from genreclf.reports.outcome import is_tied, rows_of, value_of

    first, *more = columns.items()

    def score(name: str) -> Callable[[dict[str, Any]], str]:
        return lambda row: points(value_of(row, name))

    def table(number: int) -> Table:
        shown: dict[str, Callable[[dict[str, Any]], str]] = {
            "model": lambda row: row["model"] + (" ~" if is_tied(row) else ""),
            first[0]: score(first[1]),
            "95 % interval": lambda row: interval(value_of(row, f"{first[1]}_low"), value_of(row, f"{first[1]}_high")),
        }
        shown |= {title: score(name) for title, name in more[:number] if name in comparison.scores}
        shown |= {"fit s": lambda row: f"{row['fit_seconds']:.2f}"}
        name = comparison.run.get("table", {}).get("name", "")
        return text_table(
            f"{name}, {comparison.protocol}",
            rows_of(comparison.scores),
            shown,
            left=("model",),
            strong=lambda row: row["model"] == comparison.best,
        )

    print_widest(table(number) for number in range(len(more), -1, -1))
    if comparison.scores["tied_with_best"].any():
        show("~ not significantly worse than the best (model confidence set, p \u2265 0.05)")
    show(f"report: {Path(folder) / 'report.html'}")


def _ranking(comparison: Comparison, without: int) -> Table:
    """The ranking; `without` is how many of the columns that a narrow terminal can do without are left out."""
    from genreclf.pages.wording import interval, model_title, points
    from genreclf.reports.outcome import rows_of, value_of

    random = {row["model"]: value_of(row, "macro_f1_random") for row in rows_of(comparison.leak)}

    def score(name: str, digits: int = 1) -> Callable[[dict[str, Any]], str]:
        return lambda row: points(value_of(row, name), digits=digits) if value_of(row, name) >= 0 else ""

    columns: dict[str, tuple[int, bool, Callable[[dict[str, Any]], str]]] = {
        "model": (_NEVER, True, lambda row: model_title(row["model"]) + (" ~" if row["tied_with_best"] else "")),
        "macro-F1": (_NEVER, True, score("macro_f1")),
        "95 % interval": (_NEVER, True, lambda row: interval(row["macro_f1_low"], row["macro_f1_high"])),
        "": (0, True, lambda row: "█" * round(_BAR * row["macro_f1"])),
        "accuracy": (3, True, score("accuracy")),
        "random folds": (4, bool(random), lambda row: points(random[row["model"]]) if row["model"] in random else ""),
        "study": (_NEVER, "study_macro_f1" in comparison.ranking, score("study_macro_f1", 2)),
        "fit s": (2, True, lambda row: f"{row['fit_seconds']:.2f}"),
        "predict s": (1, True, lambda row: f"{row['predict_seconds']:.2f}"),
    }
    return text_table(
        f"{comparison.run.get('table', {}).get('name', '')}, {comparison.protocol}",
        rows_of(comparison.ranking),
        {title: cell for title, (last, known, cell) in columns.items() if known and without <= last},
        left=("model", ""),
        strong=lambda row: row["model"] == comparison.best,
    )


def _ablation(comparison: Comparison, models: Sequence[str], gains: Sequence[str]) -> Table:
    """Families down, models across, some with the gain of each step and its interval."""
    from genreclf.pages.wording import model_title, points, with_interval
    from genreclf.reports.outcome import rows_of, score_of

    known = {(row["step"], row["families"], row["model"]): row for row in rows_of(comparison.ablation)}

    def families(row: dict[str, Any]) -> str:
        return str(row["families"]) if row["step"] == "alone" else "+ " + row["families"].rsplit("+", 1)[-1]

    def score(model: str) -> Callable[[dict[str, Any]], str]:
        return lambda row: points(score_of(known.get((row["step"], row["families"], model), {}))[0])

    def gain(model: str) -> Callable[[dict[str, Any]], str]:
        def cell(row: dict[str, Any]) -> str:
            value, low, high = score_of(known.get((row["step"], row["families"], model), {}), "gain")
            return with_interval(value, low, high, sign=True) if value == value else ""  # noqa: PLR0124 - not NaN

        return cell

    columns = {"families": families, "features": lambda row: str(row["features"])}
    scores = {}
    for model in models:
        scores[model_title(model)] = score(model)
        if model in gains:
            scores[f"{model_title(model)}: gain (95 % interval)"] = gain(model)
    return text_table(
        "feature families: macro-F1",
        rows_of(comparison.ablation.drop_duplicates(["step", "families"])),
        columns | scores,
        left=("families",),
    )
