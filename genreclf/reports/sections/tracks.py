"""The tracks themselves: a map of them, the misclassified ones, and whether similar tracks share a genre."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genreclf.pages.blocks import Cell, Figure, Section, table
from genreclf.pages.wording import clean, count, model_title, points
from genreclf.reports import columns
from genreclf.reports.charts.trackmap import framed, swatch, track_map
from genreclf.reports.outcome import (
    misclassified_tracks,
    model_columns,
    ranked_predictions,
    rows_of,
    track_names,
    track_paths,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from genreclf.evaluation.comparison import Comparison
    from genreclf.reports.outcome import MisclassifiedTrack

_MOST_MARKS = 10_000  # of the map: more cover each other, and 250,000 would make a page of 34 MB


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
    everything = len(tracks)
    if everything > _MOST_MARKS:
        rows = np.sort(np.random.default_rng(0).choice(everything, _MOST_MARKS, replace=False))
        tracks, places = tracks.iloc[rows], places[rows]
    places, outside = framed(places)
    labels = tracks["genre"].astype(str)
    genres = sorted(set(labels), key=lambda genre: (-(labels == genre).sum(), genre))
    clouds = {genre: places[(labels == genre).to_numpy()] for genre in genres}
    beyond = f" {count(outside, 'outlier')} drawn at the edge." if outside else ""
    some = f" of {everything:,}, drawn at random" if everything > len(tracks) else ""
    figure = Figure(
        "map",
        f"{count(len(tracks), 'track')}{some}, with a colour and a shape for each genre.{beyond}",
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
        figures=[figure],
    )


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
    """The tracks that most models misclassified, with what they took them for."""
    tracks, total = misclassified_tracks(comparison)
    if not tracks:
        return None
    models, names, paths = model_columns(comparison), track_names(comparison), track_paths(comparison)
    confident = any(math.isfinite(track.confidence) for track in tracks)

    def name(track: MisclassifiedTrack) -> Cell:
        shown, path = names.get(track.track_id, track.track_id), paths.get(track.track_id, "")
        return Cell(shown, note="" if path == shown else path, audio=path)

    shown: dict[str, Callable[[MisclassifiedTrack], Cell]] = {
        "Track": name,
        "Genre": lambda track: Cell(track.genre),
        "Classified as": lambda track: Cell(track.suggested),
    }
    if confident:
        shown["Confidence"] = lambda track: Cell(points(track.confidence), track.confidence)
    shown |= {
        "Models wrong": lambda track: Cell(f"{track.wrong} of {len(models)}", track.wrong),
        "Predictions": lambda track: Cell(_by_genre(models, track)),
    }
    everyone = sum(track.wrong == len(models) for track in tracks)
    shown_here = "all" if everyone == len(tracks) else f"{everyone}"
    by_all = f", {shown_here} misclassified by every model" if everyone and len(models) > 1 else ""
    first = f"; {len(tracks)} are shown, spread over the genres" if total > len(tracks) else ""
    caption = "Tracks that most models misclassified"
    return Section(
        "misclassified",
        "Most confidently misclassified tracks",
        short="Errors",
        lead=f"More than half of the models misclassified {count(total, 'track')}{first}{by_all}. Where all models"
        " agree on another genre, check the label first.",
        tables=[
            table(
                f"{caption}; confidence: mean probability of the wrong genre, %" if confident else caption,
                tracks,
                shown,
            )
        ],
    )


def _by_genre(models: Sequence[str], track: MisclassifiedTrack) -> str:
    """Which models predicted which genre, the most common first."""
    by: dict[str, list[str]] = {}
    for model, prediction in zip(models, track.predictions, strict=True):
        by.setdefault(prediction, []).append(model_title(model))
    ordered = sorted(by.items(), key=lambda item: -len(item[1]))
    if len(ordered) == 1 and len(models) > 2:
        return f"{ordered[0][0]}: all models"
    return "; ".join(f"{genre}: {', '.join(names)}" for genre, names in ordered)


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
