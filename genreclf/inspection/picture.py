"""The panels of an inspection as one PNG, by matplotlib."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.inspection.heatmap import narrowed, palette
from genreclf.inspection.panels import Panel, panels_of, parts_of

if TYPE_CHECKING:
    from genreclf.inspection.inspection import Inspection

_INK, _SOFT, _ACCENT = "#16202c", "#566270", "#0067a8"


def check_picture(path: Path) -> None:
    """Refuse a place for the picture before work begins.

    Raises
    ------
    RequestError : there is a folder, or a file that is no picture of genreclf.
    """
    from genreclf.files import check_file

    check_file(path, mark=b"Software\0genreclf", what="a PNG picture of genreclf")


def write_picture(inspection: Inspection, path: Path | str) -> None:
    """Write the time-aligned panels, with both parts below, as one PNG.

    Raises
    ------
    RequestError : the file cannot be written, or is none of ours.
    """
    from matplotlib.figure import Figure

    from genreclf.files import write_whole

    check_picture(Path(path))
    given = (inspection.series, inspection.features)
    panels = [*panels_of(*given), *parts_of(*given)]
    start = inspection.start or 0.0
    heights = [panel.height for panel in panels]
    figure = Figure(figsize=(11, sum(heights) / 72 + 0.48 * len(panels) + 0.6), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, gridspec_kw={"height_ratios": heights})
    figure.suptitle(_plain(inspection.path.name), x=0.01, ha="left", color=_INK, fontsize=15, fontweight="bold")
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, (start, start + inspection.series.seconds))
    axes[-1].set_xlabel("seconds", color=_SOFT)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": "genreclf"})
    write_whole(Path(path), stream.getvalue())


def _plain(text: str) -> str:
    # A dollar sign would start a formula.
    return text.encode("utf-8", "replace").decode().replace("$", r"\$")


def _draw(axis: Any, panel: Panel, ends: tuple[float, float]) -> None:  # noqa: ANN401 - matplotlib's axes
    from matplotlib.colors import ListedColormap

    axis.set_title(f"{panel.title}: {panel.note}", loc="left", fontsize=9, color=_INK)
    axis.tick_params(labelsize=7, colors=_SOFT, length=2)
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_xlim(*ends)
    if not panel.colours:
        times = np.linspace(*ends, panel.values.shape[1])
        if len(panel.values) == 2:
            axis.fill_between(times, panel.values[0], panel.values[1], color=_ACCENT, linewidth=0)
        else:
            axis.plot(times, panel.values[0], color=_ACCENT, linewidth=0.8)
        axis.set_ylim(panel.low, panel.high)
        return
    axis.imshow(
        narrowed(panel.values, 1200),
        origin="lower",
        aspect="auto",
        extent=(*ends, 0, 1),
        vmin=panel.low,
        vmax=panel.high,
        cmap=ListedColormap(palette(panel.colours) / 255),
        interpolation="nearest",
    )
    axis.set_yticks([share for share, _ in panel.ticks], [name for _, name in panel.ticks])
    if panel.line:
        axis.axhline(panel.line[0], color="white", linewidth=1, linestyle="--")
        axis.text(ends[1], panel.line[0], f"{panel.line[1]} ", color="white", fontsize=8, ha="right", va="bottom")
