"""The options that commands share, and messages of the library in terms of options: ``jobs=0`` is ``--jobs 0``."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from genreclf.seeds import MAX_SEED

Table = Annotated[str, typer.Argument(help="A feature table, any CSV or Parquet with a label column, or {published}.")]
Subset = Annotated[str | None, typer.Option(help="A subset of a data set: {subsets}.")]
Edits = Annotated[
    Path | None, typer.Option(help="Labels to change, tracks to leave out, artists to merge: a file of edits.")
]
Sample = Annotated[
    int | None, typer.Option(help="Use so many tracks only, drawn at random within each genre; all by default.")
]
Families = Annotated[str | None, typer.Option(help="Comma-separated feature families or sets; all by default.")]
Series = Annotated[
    str | None, typer.Option(help="Series for models of series: a kind beside the table, or the folder of others.")
]
ComparedSeries = Annotated[
    str | None,
    typer.Option("--series", help="Compare tracks by series, not by features: a kind beside the table, or a folder."),
]
Label = Annotated[str | None, typer.Option(help="Label column, if not 'genre'.")]
TrackId = Annotated[str | None, typer.Option("--id", help="Track ID column.")]
ArtistColumn = Annotated[
    str | None, typer.Option("--group", help="Artist column; artist,album also keeps albums together.")
]
GuessedArtists = Annotated[
    str | None, typer.Option("--artists", help="Guess unknown artists from the tracks' paths: folders or names.")
]
ClassWeight = Annotated[
    str | None, typer.Option(help="Class weights of models that take some: balanced or none; by default their own.")
]
Labels = Annotated[str, typer.Option(help="What to predict: genre, or tags, of which a track may have many.")]
MinTracks = Annotated[int | None, typer.Option(help="With tags: leave out tags on fewer tracks; 10 by default.")]
MinArtists = Annotated[int | None, typer.Option(help="With tags: leave out tags by fewer artists; 3 by default.")]
Synonyms = Annotated[
    Path | None, typer.Option(help="With tags: a CSV of tag,name that merges tags; an empty name leaves one out.")
]
Precision = Annotated[
    float | None,
    typer.Option(help="With tags: the precision that each threshold shall reach; by default, thresholds of best F1."),
]
Corpus = Annotated[
    str | None,
    typer.Option(
        help="Where the music comes from, if its name does not tell; a network may have been trained on it: {corpora}."
    ),
]
AllowOverlap = Annotated[
    bool, typer.Option("--allow-overlap", help="Test networks on music that they were trained on; the report says so.")
]
Jobs = Annotated[int | None, typer.Option(help="Worker processes; one per core by default.")]
Cluster = Annotated[
    str | None, typer.Option(help="Work on a Dask cluster: its scheduler's address, or local:N for N workers here.")
]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed.")]
Draws = Annotated[int, typer.Option(help="Draws of the comparison of models.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def names_in(text: str | None) -> list[str] | None:
    """The names of a comma-separated option; None where it is not given."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def as_options(line: str, names: Collection[str] = ()) -> str:
    """The line with parameters written as options: all in backticks, and ``name=value`` of the parameters `names`.

    ``name=True`` and a name alone become a switch, ``name=False`` becomes ``--no-name``.
    """

    def option(found: re.Match[str]) -> str:
        name, value = found[1].replace("_", "-"), (found[2] or "").strip("'")
        if value == "False":
            return f"--no-{name}"
        return f"--{name}" if value in ("", "True") else f"--{name} {value}"

    line = re.sub(r"`([a-z_]+)(?:=([^`]*))?`", option, line)
    known = "|".join(map(re.escape, names))
    return re.sub(rf"(?<![^\s(])({known})=(True\b|False\b|)(?=\S|\b)", _spaced, line) if known else line


def _spaced(found: re.Match[str]) -> str:
    name = found[1].replace("_", "-")
    return {"True": f"--{name}", "False": f"--no-{name}"}.get(found[2], f"--{name} ")
