"""``genreclf benchmark``: a feature table in, a comparison of models out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from genreclf.cli.console import TerminalProgress, emit_json, interrupted
from genreclf.cli.options import (
    AllowOverlap,
    ArtistColumn,
    ClassWeight,
    Cluster,
    Corpus,
    Draws,
    Edits,
    Families,
    GuessedArtists,
    Jobs,
    Json,
    Label,
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
from genreclf.cli.representations import benchmark_representations


def benchmark(
    table: Table,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Report folder; reports/NAME by default.")
    ] = None,
    subset: Subset = None,
    sample: Sample = None,
    models: Annotated[
        str | None,
        typer.Option(help="Comma-separated: {models}; baselines: {baselines}."),
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="One of {protocols}; cv by default.")] = None,
    train_on_validation: Annotated[
        bool, typer.Option("--train-on-validation", help="With protocol split: train on the validation tracks as well.")
    ] = False,
    folds: Annotated[int, typer.Option(help="Number of cross-validation folds.")] = 5,
    test_size: Annotated[float, typer.Option(help="Share of tracks that holdout and holdout-artist test on.")] = 0.25,
    seed: Seed = 42,
    features: Families = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    group: Annotated[
        bool, typer.Option("--group-artists/--no-group", help="Keep each artist in one fold where artists are known.")
    ] = True,
    labels: Annotated[
        str,
        typer.Option(
            help="What to predict: genre, or tags, of which a track may have many; with --representations several, "
            "other columns of labels among them."
        ),
    ] = "genre",
    min_tracks: MinTracks = None,
    min_artists: MinArtists = None,
    synonyms: Synonyms = None,
    precision: Precision = None,
    label: Label = None,
    id: TrackId = None,  # noqa: A002
    group_column: ArtistColumn = None,
    artists: GuessedArtists = None,
    edits: Edits = None,
    corpus: Corpus = None,
    allow_overlap: AllowOverlap = False,
    series: Series = None,
    representations: Annotated[
        str | None,
        typer.Option(
            help="Compare these, comma-separated, with the same models: feature families and sets, joined by +."
        ),
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Calibrate models that give no probabilities.")
    ] = False,
    tune: Annotated[bool, typer.Option("--tune", help="Tune parameters on the training data of each fold.")] = False,
    class_weight: ClassWeight = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Score each feature family alone, and families added one by one.")
    ] = False,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Score models on parts of the artists, and extrapolate to twice.")
    ] = False,
    test_table: Annotated[Path | None, typer.Option(help="Another table to test on, with protocol cross.")] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            help="Number of repeats of a cross-validation, each on other folds; 5 by default where that is cheap."
        ),
    ] = None,
    draws: Draws = 1000,
    players: Annotated[
        Path | None,
        typer.Option(help="Folder where the paths of the tracks start; misclassified tracks there get a player."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare models on a feature table and write a report."""
    from genreclf.cli.ranking import show_comparison, show_scores
    from genreclf.datasets import open_table
    from genreclf.evaluation.comparison import check_report_folder
    from genreclf.reports import check_music
    from genreclf.tasks import find_task

    options: dict[str, Any] = {
        "models": names_in(models),
        "protocol": protocol,
        "folds": folds,
        "train_on_validation": train_on_validation or None,
        "test_size": test_size,
        "seed": seed,
        "group": group,
        "probabilities": probabilities or None,
        "tune": tune or None,
        "class_weight": class_weight,
        "ablate": ablate or None,
        "learning_curve": learning_curve or None,
        "test_table": test_table,
        "edits": edits,
        "corpus": names_in(corpus),
        "allow_overlap": allow_overlap or None,
        "series": series,
        "jobs": jobs,
        "client": cluster,
        "repeats": repeats,
        "draws": draws,
        "min_tracks": min_tracks,
        "min_artists": min_artists,
        "synonyms": synonyms,
        "precision": precision,
    }
    columns: dict[str, Any] = {"label": label, "id": id, "group": group_column, "artists": artists}
    if representations is not None:
        compared = {"features": features, "players": players, "command": " ".join(["genreclf", *sys.argv[1:]])}
        benchmark_representations(
            table,
            names_in(representations) or [],
            names_in(labels) or [],
            output=output,
            columns=columns | {"subset": subset, "sample": sample, "seed": seed},
            options={name: value for name, value in options.items() if name != "draws" or value != 1000} | compared,
            json=json,
        )
        return
    task = find_task(labels)
    run = task.benchmark()
    options = task.options(run, options)
    write_report = task.report()
    report_options = task.options(write_report, {"players": players})
    families = names_in(features)
    if test_table is not None:
        options["test_table"] = open_table(test_table, **columns)
    read = open_table(table, subset=subset, families=families, sample=sample, seed=seed, **columns)
    folder = output or Path("reports") / read.name
    check_report_folder(folder)
    if players is not None:
        check_music(players)
    with TerminalProgress() as progress:
        try:
            comparison = run(
                read,
                **options,
                features=families,
                progress=progress,
                command=" ".join(["genreclf", *sys.argv[1:]]),
            )
        except KeyboardInterrupt:
            raise interrupted("no report was written") from None
        for note in comparison.notes:
            progress.message(f"note: {note}")
        write_report(comparison, folder, **report_options)
    if json:
        emit_json({"report": str(folder)} | comparison.as_json())
    elif task.columns:
        show_scores(comparison, folder, columns=task.columns)
    else:
        show_comparison(comparison, folder)
