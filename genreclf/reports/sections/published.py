"""Published results on the same data set: beside one's own where the protocol is the same, apart where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genreclf.datasets import DATASETS
from genreclf.datasets.published import published_on
from genreclf.evaluation.protocols import title as protocol_title
from genreclf.pages.blocks import Cell, Section, Table
from genreclf.pages.wording import model_title, points, with_interval
from genreclf.reports.outcome import contenders, ranked_predictions, rows_of, score_of

if TYPE_CHECKING:
    from genreclf.datasets.published import PublishedResult
    from genreclf.evaluation.comparison import Comparison


def published_results(comparison: Comparison) -> Section | None:
    """The accuracies that others report; None where the data set is not known."""
    table = comparison.run.get("table")
    genres = table.get("genres") if isinstance(table, dict) else None
    found = _on_genres(genres) if isinstance(genres, dict) else []
    if not found:
        return None
    tested = ranked_predictions(comparison)["track_id"].nunique()
    parameters = comparison.run.get("parameters")
    validation = isinstance(parameters, dict) and bool(parameters.get("train_on_validation"))
    differences = {result: result.difference(comparison.protocol, tested, validation=validation) for result in found}
    same = [result for result, difference in differences.items() if not difference]
    tables = [_beside(comparison, same)] if same else []
    if len(same) < len(found):
        titles = ["Published", "Accuracy", "Difference in protocol", "Source"]
        rows = [[*_row(result)[:2], Cell(why), _row(result)[2]] for result, why in differences.items() if why]
        tables.append(Table("Published results under other protocols: not comparable with this report", titles, rows))
    lead = (
        "Accuracies that others report for the same tracks, trained and tested as here; they give no intervals."
        if same
        else "What others report on this data set was not tested as here; run the same protocol to compare."
    )
    return Section("published", "Published results", short="Published", lead=lead, tables=tables)


def _on_genres(genres: Iterable[str]) -> list[PublishedResult]:
    """The accuracies on the data set that has just these genres."""
    known = set(genres)
    names = [dataset.name for dataset in DATASETS.values() if dataset.genres and set(dataset.genres) == known]
    return [result for name in names for result in published_on(name) if result.score == "accuracy"]


def _beside(comparison: Comparison, results: list[PublishedResult]) -> Table:
    """Own accuracies and published ones under the same protocol, best first."""
    own = [
        [Cell(model_title(row["model"]), strong=True), _accuracy(row), Cell("this report")]
        for row in rows_of(contenders(comparison.ranking))
    ]
    rows = sorted([*own, *map(_row, results)], key=lambda cells: -float(cells[1].sort_key))
    caption = f"Accuracy under {protocol_title(comparison.protocol)}, in points out of 100; own results in bold"
    return Table(caption, ["Model", "Accuracy", "Source"], rows)


def _accuracy(row: dict[str, object]) -> Cell:
    value, low, high = score_of(row, "accuracy")
    return Cell(with_interval(value, low, high), value)


def _row(result: PublishedResult) -> list[Cell]:
    name = Cell(result.model[:1].upper() + result.model[1:], note=result.features)
    return [name, Cell(points(result.value), result.value), Cell(result.source)]
