"""How a comparison looks on a terminal: the ranking, the price of leaking, the ablation, where the report is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.cli.console import print_widest, printable, result_console
from genreclf.models import is_baseline, title_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console, RenderableType
    from rich.table import Table

    from genreclf.evaluation.comparison import Comparison

_BAR = 16
_CAN_BE_LEFT_OUT = 5


def show_comparison(comparison: Comparison, folder: Path | str) -> None:
    """Print a comparison on standard output; scores are in points of a hundred.

    Parameters
    ----------
    folder : where the report is.
    """
    console = result_console()
    print_widest(console, (_ranking(comparison, console, without) for without in range(_CAN_BE_LEFT_OUT + 1)))
    for line in _remarks(comparison):
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    if len(comparison.ablation):
        print_widest(console, [_ablation(comparison)])
    console.print(f"report: {Path(folder) / 'report.html'}", markup=False, highlight=False, soft_wrap=True)


def comparison_as_json(comparison: Comparison, folder: Path | str) -> dict[str, Any]:
    """What a program would read of a comparison; what has no value is null."""
    tables = {
        name: _records(getattr(comparison, name)) for name in ("scores", "leak", "tests", "ablation", "importance")
    }
    return {
        "report": str(folder),
        "best": comparison.best,
        "protocol": comparison.protocol,
        **tables,
        "notes": list(comparison.notes),
        "seconds": comparison.run.get("seconds"),
    }


def _ranking(comparison: Comparison, console: Console, without: int) -> Table:
    """The ranking; `without` says how many of the columns that a narrow terminal can do without are left out."""
    from rich import box
    from rich.table import Table

    studied = "study_macro_f1" in comparison.ranking
    random = {row["model"]: row["macro_f1_random"] for row in _records(comparison.leak)}
    name = comparison.run.get("table", {}).get("name", "")
    table = Table(title=f"{name}, {comparison.protocol}", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    table.add_column("macro-F1", justify="right")
    table.add_column("95 % interval", justify="right", no_wrap=True)
    bar, predicting, fitting, accuracy, split = (without <= place for place in range(_CAN_BE_LEFT_OUT))
    more = [
        ("accuracy", accuracy),
        ("random split", bool(random) and split),
        ("study", studied),
        ("fit s", fitting),
        ("predict s", predicting),
    ]
    if bar:
        table.add_column("", no_wrap=True)
    for title, wanted in more:
        if wanted:
            table.add_column(title, justify="right", no_wrap=True)
    for row in _records(comparison.ranking):
        cells: list[RenderableType] = [
            _title(row["model"]) + (" ~" if row["tied_with_best"] else ""),
            _points(row["macro_f1"]),
            f"{_points(row['macro_f1_low'])} to {_points(row['macro_f1_high'])}",
            *([_bar(row["macro_f1"], console)] if bar else []),
            *([_points(row["accuracy"])] if accuracy else []),
            *([_points(random.get(row["model"]))] if random and split else []),
            *([_points(row["study_macro_f1"], 2)] if studied else []),
            *([f"{row['fit_seconds']:.2f}"] if fitting else []),
            *([f"{row['predict_seconds']:.2f}"] if predicting else []),
        ]
        table.add_row(*cells, style="bold" if row["model"] == comparison.best else None)
    return table


def _remarks(comparison: Comparison) -> list[str]:
    lines = []
    if comparison.ranking["tied_with_best"].any():
        lines.append(f"~ cannot be told from the best, {_title(comparison.best)} (paired bootstrap, Holm, 5 %)")
    for row in _records(comparison.leak):
        if is_baseline(row["model"]):
            continue
        lines.append(
            f"{_title(row['model'])} {_points(row['macro_f1_safe'])} artist-safe, "
            f"{_points(row['macro_f1_random'])} random: {_points(row['leak'])} points of leak "
            f"[{_points(row['leak_low'])}, {_points(row['leak_high'])}]"
        )
    return lines


def _ablation(comparison: Comparison) -> Table:
    """Families down, models across."""
    from rich import box
    from rich.table import Table

    table = Table(title="feature families: macro-F1", title_justify="left", box=box.SIMPLE_HEAD)
    models = list(dict.fromkeys(comparison.ablation["model"]))
    table.add_column("families")
    table.add_column("features", justify="right")
    for model in models:
        table.add_column(_title(model), justify="right")
    found = comparison.ablation.set_index(["step", "families", "model"])["macro_f1"]
    sizes = comparison.ablation.drop_duplicates(["step", "families"])
    for row in _records(sizes):
        values = [_points(found.get((row["step"], row["families"], model))) for model in models]
        name = row["families"] if row["step"] == "alone" else "+ " + row["families"].rsplit("+", 1)[-1]
        table.add_row(name, str(row["features"]), *values)
    return table


def _title(model: str) -> str:
    return title_of(model)


def _points(share: float | None, digits: int = 1) -> str:
    return "" if share is None or share != share else f"{100 * share:.{digits}f}"  # noqa: PLR0124 - not a number


def _bar(share: float, console: Console) -> str:
    full = "█" if console.encoding.startswith("utf") else "#"
    return full * round(_BAR * share)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dictionaries; what has no value is None."""
    return [
        {str(name): (None if value != value else value) for name, value in row.items()}  # noqa: PLR0124
        for row in frame.to_dict(orient="records")
    ]
