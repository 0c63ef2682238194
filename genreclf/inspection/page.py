"""The page of an inspection."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
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
from genreclf.inspection.panels import panels_of, parts_of
from genreclf.pages.blocks import WIDE, Cell, Figure, Page, Section, Table, table
from genreclf.pages.page import check_page, html

if TYPE_CHECKING:
    from genreclf.inspection.inspection import Inspection


_AT_A_GLANCE = ("Waveform", "Mel spectrogram", "Chroma")
_GLANCE_WIDTH, _COLUMNS, _UNUSUAL = 720.0, 450, 8


def write_page(inspection: Inspection, path: Path | str) -> None:
    """Write one self-contained HTML page.

    Raises
    ------
    RequestError : the file cannot be written, or is none of ours.
    """
    from genreclf.files import write_whole

    check_page(Path(path))
    sections = list(_sections(inspection))
    page = Page("genreclf inspect", inspection.path.name, facts_of(inspection), sections, version=__version__)
    write_whole(Path(path), html(page))


def facts_of(inspection: Inspection) -> list[str]:
    """What the track is, in a few short items."""
    series, timeline = inspection.series, inspection.timeline
    where = "the excerpt that features describe" if inspection.start is None else f"from {inspection.start:g} s"
    facts = [f"{series.seconds:.1f} s, {where}", f"{series.sample_rate:,} Hz mono"]
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
    drawn = time_aligned(panels, start=inspection.start or 0.0, seconds=series.seconds, width=_GLANCE_WIDTH)
    over_time = Section("series", "", figures=[Figure("series", "", drawn)])
    genres = [replace(section, lead="") for section in _genres(inspection, width=_GLANCE_WIDTH)]
    unusual = sorted(inspection.percentiles, key=lambda name: -abs(inspection.percentiles[name] - 0.5))[:_UNUSUAL]
    caption = f"The features furthest from the median of {inspection.table_name}"
    tables = [_feature_table(caption, unusual, inspection)] if unusual else []
    return [*genres, over_time, *([Section("unusual", "", tables=tables)] if tables else [])]


def _sections(inspection: Inspection) -> Iterator[Section]:
    series, features = inspection.series, inspection.features
    axis = {"start": inspection.start or 0.0, "seconds": series.seconds, "width": WIDE}
    yield from _genres(inspection)
    yield Section(
        "series",
        "Over time",
        lead="What the features are computed from: each feature is a statistic of one of these rows.",
        figures=[
            Figure("series", "All panels share the time axis.", time_aligned(panels_of(series, features), **axis))
        ],
    )
    powers = "128 mel bands of each part; the powers, in mean squares of full scale, are two of the features."
    yield Section(
        "parts",
        "Harmonic and percussive parts",
        short="Parts",
        lead="The track separated into its harmonic and its percussive part, coloured as the mel spectrogram above.",
        figures=[Figure("parts", powers, side_by_side(parts_of(series, features), **axis))],
    )
    path = "The mean of every half second, from light to dark over time; the ring marks the start, the dot the end."
    yield Section(
        "fifths",
        "Circle of fifths",
        short="Fifths",
        lead="The first two Tonnetz axes: keys a fifth apart are neighbours. A path that stays put stays in a key.",
        figures=[Figure("fifths", path, circle_of_fifths(series.tonnetz))],
    )
    yield _numbers(inspection)


def _genres(inspection: Inspection, *, width: float = WIDE) -> Iterator[Section]:
    if inspection.timeline is None:
        return
    windows = len(inspection.timeline.starts)
    caption = (
        "Height is the probability; the most probable genre of each window is highlighted. At the right, the mean."
    )
    yield Section(
        "genres",
        "Genre over time",
        short="Genre",
        lead=f"Predictions of {inspection.model_name} for "
        + ("the track." if windows == 1 else f"each of the track's {windows} windows."),
        figures=[Figure("genres", caption, probabilities_over_time(inspection.timeline, width=width))],
    )


def _numbers(inspection: Inspection) -> Section:
    known, percentiles = inspection.features, inspection.percentiles
    figures = []
    for family, size, title in (("mfcc", 20, "MFCC"), ("tonnetz", 6, "Tonnetz")):
        names = [f"{family}_{statistic}_{row + 1:02d}" for statistic in STATISTICS for row in range(size)]
        rows, numbers = [str(row + 1) for row in range(size)], {name: known[name] for name in names}
        grid = number_grid(numbers, percentiles, rows=rows, columns=STATISTICS, title=title, width=WIDE)
        figures.append(Figure(f"numbers-{family}", f"{title}: one row per series, one column per statistic.", grid))
    singles = {name: known[name] for name in ("tempo", "harmonic_power", "percussive_power")}
    title = "Tempo and powers"
    grid = number_grid(singles, percentiles, rows=[""], columns=list(singles), title=title, width=WIDE / 2)
    figures.append(Figure("numbers-single", "Tempo in BPM; powers in mean squares of full scale.", grid))
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
