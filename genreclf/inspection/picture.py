"""The panels of an inspection as one PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.inspection.inspection import Inspection

_WIDTH, _DPI = 936.0, 144


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
    from genreclf.files import write_whole
    from genreclf.inspection.drawings import time_aligned
    from genreclf.inspection.panels import panels_of, parts_of
    from genreclf.pages.printing import render

    check_picture(Path(path))
    given = (inspection.series, inspection.features)
    drawing = time_aligned(
        [*panels_of(*given), *parts_of(*given)],
        start=inspection.start or 0.0,
        seconds=inspection.series.seconds,
        width=_WIDTH,
        heading=inspection.title,
    )
    write_whole(Path(path), render(drawing, ["png"], look="light", dpi=_DPI)[0])
