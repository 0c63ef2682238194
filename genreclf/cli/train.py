"""``genreclf train``: a feature table in, a model on disk out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from genreclf.cli.console import TerminalProgress, emit_json, show
from genreclf.cli.options import (
    ArtistColumn,
    ClassWeight,
    Edits,
    Families,
    GuessedArtists,
    Jobs,
    Json,
    Label,
    Labels,
    MinArtists,
    MinTracks,
    Precision,
    Sample,
    Seed,
    Series,
    Subset,
    Synonyms,
    Table,
    TrackId,
    names_in,
)


def train(
    table: Table,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model to write.")],
    model: Annotated[str, typer.Option(help="One of {models}, or best: the winner of a benchmark.")] = "svc",
    subset: Subset = None,
    sample: Sample = None,
    tune: Annotated[bool, typer.Option("--tune", help="Tune the model's parameters.")] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Calibrate on artist-disjoint folds; without, it trains several times faster.",
        ),
    ] = True,
    class_weight: ClassWeight = None,
    features: Families = None,
    series: Series = None,
    labels: Labels = "genre",
    min_tracks: MinTracks = None,
    min_artists: MinArtists = None,
    synonyms: Synonyms = None,
    precision: Precision = None,
    label: Label = None,
    id: TrackId = None,  # noqa: A002
    group: ArtistColumn = None,
    artists: GuessedArtists = None,
    edits: Edits = None,
    seed: Seed = 42,
    licence: Annotated[str, typer.Option(help="Licence to store in the model.")] = "",
    notes: Annotated[str, typer.Option(help="Notes to store in the model.")] = "",
    jobs: Jobs = None,
    json: Json = False,
) -> None:
    """Train a model on all tracks of a table and keep it in one file."""
    import msgspec

    from genreclf.datasets import open_table
    from genreclf.models.bundle.bundle import KIND
    from genreclf.models.neural.watching import resumable
    from genreclf.tasks import find_task

    task = find_task(labels)
    run = task.train()
    options: dict[str, Any] = {
        "model": model,
        "seed": seed,
        "tune": tune or None,
        "calibrate": None if calibrate else False,
        "class_weight": class_weight,
        "licence": licence,
        "notes": notes,
        "edits": edits,
        "series": series,
        "jobs": jobs,
        "min_tracks": min_tracks,
        "min_artists": min_artists,
        "synonyms": synonyms,
        "precision": precision,
    }
    options = task.options(run, options)
    KIND.check_place(output)
    families = names_in(features)
    with TerminalProgress() as progress, resumable(output):
        bundle = run(
            open_table(
                table, subset=subset, label=label, id=id, group=group, artists=artists, sample=sample, seed=seed
            ),
            **options,
            features=families,
            progress=progress,
        )
        bundle.save(output)
    if json:
        emit_json(msgspec.to_builtins(bundle.manifest))
        return
    manifest = bundle.manifest
    score = manifest.scores.get("macro_f1")
    judged = f"; macro-F1 {100 * float(score):.1f} ({manifest.scores['protocol']})" if score is not None else ""
    if "selected_from" in manifest.scores:
        models = str(manifest.scores["selected_from"]).split(", ")
        inside = 100 * float(manifest.scores["selection_macro_f1"] or 0)
        judged += f", the best of {len(models)} models; {inside:.1f} with the choice made inside the folds"
    show(
        f"{output}: {manifest.model} for {', '.join(manifest.genres)}; {manifest.table['rows']} tracks, "
        f"{manifest.inputs}{judged}; {output.stat().st_size / 1024:,.0f} KiB"
    )
