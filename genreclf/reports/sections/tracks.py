"""The tracks themselves: a map of them, the hardest ones, and whether similar tracks share a genre."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.blocks import NARROW, WIDE, Cell, Column, Figure, Section, Table
from genreclf.pages.wording import clean, count, model_title
from genreclf.reports.charts.trackmap import GenreCloud, swatch, track_map
from genreclf.reports.outcome import (
    hardest_tracks,
    model_columns,
    ranked_predictions,
    rows_of,
    track_names,
    track_paths,
    value_of,
)
from genreclf.reports.sections.cells import score_cell, text_cell

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


def track_atlas(comparison: Comparison) -> Section | None:
    """The map of the tracks, with what each point is."""
    import numpy as np

    tracks = comparison.tracks
    if tracks.empty or "map_x" not in tracks or "map_y" not in tracks:
        return None
    places = tracks[["map_x", "map_y"]].to_numpy(dtype=float)
    tracks, places = tracks[np.isfinite(places).all(axis=1)], places[np.isfinite(places).all(axis=1)]
    if len(tracks) < 2:
        return None
    places, outside = _framed(places)
    labels = tracks["genre"].astype(str).to_numpy(dtype=object)
    genres = sorted(set(labels), key=lambda genre: (-(labels == genre).sum(), genre))
    clouds = [GenreCloud(genre, places[labels == genre]) for genre in genres]
    return Section(
        "map",
        "Map of the tracks",
        short="Map",
        lead="Each mark is a track. The axes are the two mixtures of features that set the genres apart best, found"
        " with the genres known: a picture to look at, not a score. Point at a mark, or step through the map with the"
        " arrow keys, to see what it is.",
        figures=(
            Figure(
                "map",
                f"{count(len(tracks), 'track')}, a colour and a shape for each genre."
                + (f" {count(outside, 'mark')} at the edge would stand further out." if outside else ""),
                track_map(clouds, width=WIDE),
                track_map(clouds, width=NARROW),
                hover=_hover(comparison, tracks, genres),
                alone=track_map(clouds, width=WIDE, names=True),
                legend=tuple((genre, swatch(index)) for index, genre in enumerate(genres)),
            ),
        ),
    )


def _framed(places: np.ndarray) -> tuple[np.ndarray, int]:
    """Places between 0 and 1, a few far ones held at the edge so that they don't squeeze the rest; and how many."""
    import numpy as np

    inner = np.quantile(places, [0.01, 0.99], axis=0)
    room = 0.3 * (inner[1] - inner[0])
    low, high = np.maximum(places.min(axis=0), inner[0] - room), np.minimum(places.max(axis=0), inner[1] + room)
    outside = int(((places < low) | (places > high)).any(axis=1).sum())
    return (np.clip(places, low, high) - low) / np.where(high > low, high - low, 1.0), outside


def _hover(comparison: Comparison, tracks: pd.DataFrame, genres: list[str]) -> dict[str, object]:
    names = track_names(comparison)
    models = model_columns(comparison)
    answers: dict[str, str] = {}
    if models:
        predictions = ranked_predictions(comparison)
        answers = dict(zip(predictions["track_id"].astype(str), predictions[models[0]].astype(str), strict=True))
    said = sorted({*genres, *answers.values()})
    number = {genre: index for index, genre in enumerate(said)}
    titles: dict[str, list[str]] = {genre: [] for genre in genres}
    replies: dict[str, list[int]] = {genre: [] for genre in genres}
    for track_id, genre in zip(tracks["track_id"].astype(str), tracks["genre"].astype(str), strict=True):
        titles[genre].append(clean(names.get(track_id, track_id))[:120])
        replies[genre].append(number.get(answers.get(track_id, ""), -1))
    return {
        "genres": [clean(genre) for genre in genres],
        "answers": [clean(genre) for genre in said],
        "model": model_title(models[0]) if models else "",
        "titles": [titles[genre] for genre in genres],
        "said": [replies[genre] for genre in genres],
    }


def hardest(comparison: Comparison) -> Section | None:
    """The tracks that most models got wrong, with what each said."""
    tracks, total = hardest_tracks(comparison)
    if not tracks:
        return None
    names, paths = model_columns(comparison), track_paths(comparison)
    columns = [Column("Track", numeric=False), Column("Genre", numeric=False), Column("Wrong")]
    columns += [Column(model_title(name), numeric=False) for name in names]
    rows = []
    for track in tracks:
        path = paths.get(track.track_id, "")
        name = Cell(track.name, track.name, note="" if path == track.name else path)
        answers = [text_cell(answer, strong=answer == track.genre) for answer in track.answers]
        rows.append([name, text_cell(track.genre), Cell(str(track.wrong), track.wrong), *answers])
    shown = f"the {len(tracks)} hardest are shown" if total > len(tracks) else "all are shown"
    everyone = sum(track.wrong == len(names) for track in tracks)
    return Section(
        "hardest",
        "Hardest tracks",
        short="Hardest",
        lead=f"More than half of the models got {count(total, 'track')} wrong; {shown}"
        + (f", {everyone} of them wrong with every model" if everyone and len(names) > 1 else "")
        + ". Where all agree on another genre, look at the label first.",
        tables=(Table("Tracks that most models got wrong; right answers are bold", columns, rows),),
    )


def retrieval(comparison: Comparison) -> Section | None:
    """Whether the tracks most like a track are of its genre."""
    frame = comparison.retrieval
    if frame.empty:
        return None
    methods = list(dict.fromkeys(frame["method"].astype(str)))
    columns = [Column("Genre", numeric=False), Column("Tracks")]
    for method in methods:
        columns += [Column(f"{method}: average precision"), Column(f"{method}: precision at 10")]
    rows = []
    for genre in dict.fromkeys(frame["genre"].astype(str)):
        lines = {str(row["method"]): row for row in rows_of(frame[frame["genre"].astype(str) == genre])}
        tracks = value_of(next(iter(lines.values())), "tracks")
        row = [text_cell(genre, strong=genre == "all"), Cell(f"{tracks:,.0f}", tracks)]
        for method in methods:
            row += [score_cell(lines.get(method, {}), name) for name in ("average_precision", "precision_at_10")]
        rows.append(row)
    return Section(
        "retrieval",
        "Similar tracks",
        short="Similar",
        lead="Ask for the tracks most like a track: how many of the first ten are of its genre, and how well the whole"
        " list is ordered. Points out of 100.",
        tables=(Table("Retrieval by likeness of the features", columns, rows),),
        folded=True,
    )
