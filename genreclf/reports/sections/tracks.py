"""The tracks themselves: a map of them, the misclassified ones, and whether similar tracks share a genre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genreclf.pages.blocks import Cell, Figure, Section, table
from genreclf.pages.wording import clean, count, model_title
from genreclf.reports import columns
from genreclf.reports.charts.trackmap import swatch, track_map
from genreclf.reports.outcome import (
    misclassified_tracks,
    model_columns,
    ranked_predictions,
    rows_of,
    track_names,
    track_paths,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison
    from genreclf.reports.outcome import MisclassifiedTrack


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
    labels = tracks["genre"].astype(str)
    genres = sorted(set(labels), key=lambda genre: (-(labels == genre).sum(), genre))
    clouds = {genre: places[(labels == genre).to_numpy()] for genre in genres}
    beyond = f" {count(outside, 'outlier')} drawn at the edge." if outside else ""
    drawn = Figure(
        "map",
        f"{count(len(tracks), 'track')}, with a colour and a shape for each genre.{beyond}",
        lambda width: track_map(clouds, width=width),
        hover=_hover(comparison, tracks, genres),
        alone=lambda width: track_map(clouds, width=width, names=True),
        legend=[(genre, swatch(index)) for index, genre in enumerate(genres)],
    )
    return Section(
        "map",
        "Map of the tracks",
        short="Map",
        lead="Each mark is a track. The axes are the two linear combinations of features that separate the genres best,"
        " found with the genres known: an illustration, not a score. Point at a mark, or move through the map with the"
        " arrow keys, to see which track it is.",
        figures=[drawn],
    )


def _framed(places: np.ndarray) -> tuple[np.ndarray, int]:
    """Places between 0 and 1, outliers clipped so that they do not squeeze the rest; and how many there are."""
    import numpy as np

    inner = np.quantile(places, [0.01, 0.99], axis=0)
    room = 0.3 * (inner[1] - inner[0])
    low, high = np.maximum(places.min(axis=0), inner[0] - room), np.minimum(places.max(axis=0), inner[1] + room)
    outside = int(((places < low) | (places > high)).any(axis=1).sum())
    return (np.clip(places, low, high) - low) / np.where(high > low, high - low, 1.0), outside


def _hover(comparison: Comparison, tracks: pd.DataFrame, genres: list[str]) -> dict[str, object]:
    """For each genre, the names of its tracks and the places of their predictions in the list of genres."""
    names, models = track_names(comparison), model_columns(comparison)
    predicted: dict[str, str] = {}
    if models:
        predictions = ranked_predictions(comparison)
        predicted = dict(zip(predictions["track_id"].astype(str), predictions[models[0]].astype(str), strict=True))
    all_genres = sorted({*genres, *predicted.values()})
    number = {genre: index for index, genre in enumerate(all_genres)}
    ids = {
        genre: group.astype(str).tolist() for genre, group in tracks["track_id"].groupby(tracks["genre"].astype(str))
    }
    return {
        "genres": [clean(genre) for genre in genres],
        "predictions": [clean(genre) for genre in all_genres],
        "model": model_title(models[0]) if models else "",
        "titles": [[clean(names.get(track, track))[:120] for track in ids[genre]] for genre in genres],
        "predicted": [[number.get(predicted.get(track, ""), -1) for track in ids[genre]] for genre in genres],
    }


def misclassified(comparison: Comparison) -> Section | None:
    """The tracks that most models misclassified, with each model's prediction."""
    tracks, total = misclassified_tracks(comparison)
    if not tracks:
        return None
    models, names, paths = model_columns(comparison), track_names(comparison), track_paths(comparison)

    def name(track: MisclassifiedTrack) -> Cell:
        shown, path = names.get(track.track_id, track.track_id), paths.get(track.track_id, "")
        return Cell(shown, note="" if path == shown else path)

    def prediction(index: int) -> Callable[[MisclassifiedTrack], Cell]:
        return lambda track: Cell(track.predictions[index], strong=track.predictions[index] == track.genre)

    shown = {
        "Track": name,
        "Genre": lambda track: Cell(track.genre),
        "Models wrong": lambda track: Cell(str(track.wrong), track.wrong),
    } | {model_title(model): prediction(index) for index, model in enumerate(models)}
    everyone = sum(track.wrong == len(models) for track in tracks)
    shown_here = "all" if everyone == len(tracks) else f"{everyone}"
    by_all = f", {shown_here} misclassified by every model" if everyone and len(models) > 1 else ""
    first = f"; the first {len(tracks)} are shown" if total > len(tracks) else ""
    return Section(
        "misclassified",
        "Most confidently misclassified tracks",
        short="Errors",
        lead=f"More than half of the models misclassified {count(total, 'track')}{first}{by_all}. Where all models"
        " agree on another genre, check the label first.",
        tables=[table("Tracks that most models misclassified; correct predictions in bold", tracks, shown)],
    )


def retrieval(comparison: Comparison) -> Section | None:
    """Whether the tracks most similar to a track share its genre."""
    frame = comparison.retrieval
    if frame.empty:
        return None
    values = {"average_precision": "average precision", "precision_at_10": "precision at 10"}
    rows: dict[str, dict[str, Any]] = {}
    shown = {
        "Genre": lambda row: Cell(row["genre"], strong=row["genre"] == "all"),
        "Tracks": columns.tracks("tracks"),
    }
    for line in rows_of(frame):
        row = rows.setdefault(str(line["genre"]), {"genre": str(line["genre"]), "tracks": line["tracks"]})
        for value, title in values.items():
            name = f"{line['method']}: {title}"
            row[name] = line[value]
            shown.setdefault(name, columns.number(name))
    return Section(
        "retrieval",
        "Similar tracks",
        short="Similar",
        lead="For the tracks most similar to a given one: the share of the first ten that have its genre, and how well"
        " the whole list is ordered, in points out of 100.",
        tables=[table("Retrieval by similarity of the features", rows.values(), shown)],
        folded=True,
    )
