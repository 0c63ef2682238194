"""``genreclf retrieval``: which metric finds tracks of the same genre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from genreclf.cli.console import TerminalProgress, emit_json, show
from genreclf.cli.options import ArtistColumn, ComparedSeries, Label, Seed, Subset, Table, TrackId, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genreclf.evaluation.retrieval import MetricComparison


def retrieval(
    table: Table,
    metrics: Annotated[
        str, typer.Option(help="Comma-separated metrics of genreclf index, cosine and mutual-proximity.")
    ] = "euclidean,cosine,mutual-proximity,lda,triplet,siamese",
    by: Annotated[str, typer.Option(help="What metrics are learned from: genre, artist, or tags.")] = "genre",
    repeats: Annotated[int, typer.Option(help="Cross-validations of learned metrics.")] = 5,
    subset: Subset = None,
    series: ComparedSeries = None,
    label: Label = None,
    id: TrackId = None,  # noqa: A002
    group: ArtistColumn = None,
    seed: Seed = 42,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare metrics: whether the nearest tracks by other artists share a track's genre."""
    from genreclf.datasets import open_table
    from genreclf.evaluation.retrieval import compare_metrics

    read = open_table(table, subset=subset, label=label, id=id, group=group)
    with TerminalProgress() as progress:
        found = compare_metrics(
            read, names_in(metrics) or (), series=series, by=by, repeats=repeats, seed=seed, progress=progress
        )
    if json:
        emit_json(found.as_json())
    else:
        show("\n".join(_lines(found)))


def _lines(found: MetricComparison) -> Iterator[str]:
    yield (
        f"{found.tracks} queries, {found.groups} independent groups; learned from {found.by} on artists other than the "
        f"query's; {found.repeats} repeats; points out of 100, 95 % intervals"
    )
    yield f"{'metric':<18}  {'precision at 10':<18}  hubness"
    for row in found.scores.to_dict("records"):
        value, low, high = (100 * row[f"precision_at_10{end}"] for end in ("", "_low", "_high"))
        yield f"{row['metric']:<18}  {f'{value:.1f} [{low:.1f}, {high:.1f}]':<18}  {row['hubness']:.2f}"
    yield from found.verdicts()
