"""The page of an inspection."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.features.statistics import STATISTICS
from genreclf.inspection.drawings import (
    circle_of_fifths,
    number_grid,
    probabilities_over_time,
    side_by_side,
    time_aligned,
)
from genreclf.inspection.heatmap import narrowed
from genreclf.inspection.panels import TONNETZ_AXES, panels_of, parts_of
from genreclf.pages.blocks import WIDE, Cell, Figure, Page, Section, Table, table
from genreclf.pages.page import check_page, html

if TYPE_CHECKING:
    from genreclf.inspection.inspection import Inspection
    from genreclf.pages.svg import Drawing


_AT_A_GLANCE = ("Mel spectrogram", "Chroma")
_COLUMNS, _UNUSUAL = 320, 8


def write_page(inspection: Inspection, path: Path | str) -> None:
    """Write one self-contained HTML page.

    Raises
    ------
    RequestError : the file cannot be written, or is none of ours.
    """
    from genreclf.files import write_whole

    check_page(Path(path))
    sections = list(_sections(inspection))
    page = Page("genreclf inspect", inspection.title, facts_of(inspection), sections, version=__version__)
    write_whole(Path(path), html(page))


def facts_of(inspection: Inspection) -> list[str]:
    """What the track is, in a few short items."""
    series, timeline = inspection.series, inspection.timeline
    where = "the excerpt that features describe" if inspection.start is None else f"from {inspection.start:g} s"
    named = [] if inspection.title == inspection.path.name else [inspection.path.name]
    facts = [*named, f"{series.seconds:.1f} s, {where}", f"{series.sample_rate:,} Hz mono"]
    facts.append(f"{inspection.features['tempo']:.1f} BPM")
    if timeline:
        share = float(timeline.mean[timeline.genres.index(timeline.y_pred)])
        facts.append(f"{inspection.model_name} predicts {timeline.y_pred} ({100 * share:.0f} %)")
    return facts


def glance(inspection: Inspection) -> list[Section]:
    """The track in a notebook's cell: its genres over time, what it sounds like, and its least usual features."""
    series, features = inspection.series, inspection.features
    chosen = [panel for panel in panels_of(series, features) if panel.title in _AT_A_GLANCE]
    panels = [replace(p, values=narrowed(p.values, _COLUMNS)) if p.colours else p for p in chosen]
    start, seconds = inspection.start or 0.0, series.seconds
    drawn = Figure("series", "", lambda width: time_aligned(panels, start=start, seconds=seconds, width=width))
    genres = [replace(section, lead="") for section in _genres(inspection)]
    unusual = sorted(inspection.percentiles, key=lambda name: -abs(inspection.percentiles[name] - 0.5))[:_UNUSUAL]
    caption = f"The features furthest from the median of {inspection.table_name}"
    tables = [_feature_table(caption, unusual, inspection)] if unusual else []
    return [*genres, Section("series", "", figures=[drawn], tables=tables)]


def _sections(inspection: Inspection) -> Iterator[Section]:
    series, features = inspection.series, inspection.features
    start, seconds = inspection.start or 0.0, series.seconds
    panels, parts = panels_of(series, features), parts_of(series, features)
    yield from _genres(inspection)
    yield Section(
        "series",
        "Over time",
        lead="What the features are computed from: each feature is a statistic of one of these rows.",
        figures=[
            Figure(
                "series",
                "All panels share the time axis.",
                lambda width: time_aligned(panels, start=start, seconds=seconds, width=width),
            )
        ],
    )
    powers = "128 mel bands of each part; the powers, in mean squares of full scale, are two of the features."
    yield Section(
        "parts",
        "Harmonic and percussive parts",
        short="Parts",
        lead="The track separated into its harmonic and its percussive part, coloured as the mel spectrogram above.",
        figures=[Figure("parts", powers, lambda width: side_by_side(parts, start=start, seconds=seconds, width=width))],
    )
    path = "The mean of every half second, from light to dark over time; the ring marks the start, the dot the end."
    yield Section(
        "fifths",
        "Circle of fifths",
        short="Fifths",
        lead="The first two Tonnetz axes: keys a fifth apart are neighbours. A path that stays put stays in a key.",
        figures=[Figure("fifths", path, lambda width: circle_of_fifths(series.tonnetz, width=min(width, 360)))],
    )
    yield _numbers(inspection)


def _genres(inspection: Inspection) -> Iterator[Section]:
    timeline = inspection.timeline
    if timeline is None:
        return
    windows = len(timeline.starts)
    caption = (
        "Height is the probability; the most probable genre of each window is highlighted. At the right, the mean."
    )
    yield Section(
        "genres",
        "Genre over time",
        short="Genre",
        lead=f"Predictions of {inspection.model_name} for "
        + ("the track." if windows == 1 else f"each of the track's {windows} windows."),
        figures=[Figure("genres", caption, lambda width: probabilities_over_time(timeline, width=width))],
    )


def _numbers(inspection: Inspection) -> Section:
    known = inspection.features
    axes = [axis.replace("sin", "sine").replace("cos", "cosine") for axis in TONNETZ_AXES]
    grids = [
        ("mfcc", "MFCC", [f"MFCC {row + 1}" for row in range(20)]),
        ("tonnetz", "Tonnetz", axes),
    ]
    figures = [_grid(inspection, *grid) for grid in grids]
    singles = ("tempo", "harmonic_power", "percussive_power")
    single = _drawn(inspection, singles, rows=[""], columns=singles, title="Tempo and powers")
    caption = "Tempo in BPM; powers in mean squares of full scale."
    figures.append(Figure("numbers-single", caption, lambda width: single(min(width, WIDE / 2))))
    lead = "Give a feature table to see the percentile of each number among its tracks."
    if inspection.table_tracks:
        lead = (
            f"The strip below a number shows its percentile among the {inspection.table_tracks:,} tracks of"
            f" {inspection.table_name}; orange marks are below the 5th or above the 95th percentile."
        )
    whole = _feature_table("Every feature of the track", known, inspection)
    part = Section("table", "The same numbers as a table", tables=[whole], folded=True)
    return Section("numbers", f"{len(known)} features", short="Features", lead=lead, figures=figures, parts=[part])


def _feature_table(caption: str, names: Iterable[str], inspection: Inspection) -> Table:
    known, percentiles = inspection.features, inspection.percentiles
    shown: dict[str, Callable[[str], Cell]] = {
        "Feature": Cell,
        "Value": lambda name: Cell(f"{known[name]:.6g}".replace("-", "\u2212"), known[name]),
    }
    if inspection.table_tracks:
        shown["Percentile"] = lambda name: (
            Cell(f"{100 * percentiles[name]:.0f}", percentiles[name]) if name in percentiles else Cell("", math.nan)
        )
    return table(caption, names, shown)


def _grid(inspection: Inspection, family: str, title: str, rows: Sequence[str]) -> Figure:
    names = [f"{family}_{statistic}_{row + 1:02d}" for statistic in STATISTICS for row in range(len(rows))]
    drawn = _drawn(inspection, names, rows=rows, columns=STATISTICS, title=title)
    return Figure(f"numbers-{family}", f"{title}: one row per series, one column per statistic.", drawn)


def _drawn(
    inspection: Inspection, names: Sequence[str], *, rows: Sequence[str], columns: Sequence[str], title: str
) -> Callable[[float], Drawing]:
    """What draws some of the numbers at a width."""
    numbers, percentiles = {name: inspection.features[name] for name in names}, inspection.percentiles
    return lambda width: number_grid(numbers, percentiles, rows=rows, columns=columns, title=title, width=width)
