"""``genreclf similar``: an index and a track in, the nearest tracks out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import emit_json, padded, show


def similar(
    index: Annotated[Path, typer.Argument(help="An index made by genreclf index.")],
    track: Annotated[str, typer.Argument(help="A file, or the id of a track in the index.")],
    k: Annotated[int, typer.Option("-k", help="Number of tracks.")] = 10,
    genre: Annotated[str | None, typer.Option(help="Only tracks of this genre.")] = None,
    exclude_artist: Annotated[str | None, typer.Option(help="No tracks by this artist.")] = None,
    other_artists: Annotated[bool, typer.Option("--other-artists", help="No tracks by the track's artist.")] = False,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with all tracks of a large index.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each track.")] = False,
) -> None:
    """Find the tracks that sound most like a track."""
    from genreclf.similarity.indexing import open_index

    found = open_index(index).query(
        track, k, genre=genre, exclude_artist=exclude_artist, other_artists=other_artists, exact=exact
    )
    if json:
        for row in found.to_dict(orient="records"):
            emit_json(row)
        return
    show(f"{'distance':>8}  {'genre':<14}  track")
    for row in found.to_dict(orient="records"):
        names = " - ".join(row[name] for name in ("artist", "title") if row.get(name))
        shown = f"{names} ({row['track_id']})" if row.get("title") else row["track_id"]
        show(f"{row['distance']:8.3f}  {padded(row.get('genre', ''), 14)}  {shown}")
