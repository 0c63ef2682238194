"""Drawings on paper: the marks of a drawing as PDF, SVG and PNG, by matplotlib.

The same drawing that a page shows is drawn in literal colours, with fonts that come with matplotlib and are embedded,
so that it looks the same everywhere. Lengths of drawings are CSS pixels; on paper a pixel is 0.7 points, which makes
the text of a chart 8 to 9 points high, whatever its width.
"""

from __future__ import annotations

import io
import re
import warnings
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.pages import theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.path import Path

    from genreclf.pages.svg import Drawing, Mark

POINTS_PER_PIXEL = 0.7
PNG_DPI = 300
FORMATS = ("pdf", "svg", "png")
_BOLD = 600
_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "Noto Emoji", "Unifont")
_STEP = re.compile(r"[MmLlHhVvaZz]|-?(?:\d+\.?\d*|\.\d+)")
_CIRCLE = 0.5522847498  # handles of a Bézier curve that is a quarter of a circle, in radii
_SETTINGS = {
    "pdf.fonttype": 42,  # TrueType, as journals ask
    "svg.fonttype": "path",
    "svg.hashsalt": "genreclf",
    "path.simplify": False,
}


def render(
    drawing: Drawing, formats: Sequence[str] = FORMATS, *, look: str = "print", width: float = 0, dpi: int = PNG_DPI
) -> list[bytes]:
    """Render a drawing.

    Parameters
    ----------
    formats : of matplotlib: ``pdf``, ``svg``, ``png``.
    look : the theme, see `genreclf.pages.theme.colours`.
    width : in inches; a drawing that is wider is shrunk. 0 leaves it as it is.
    dpi : of a PNG.

    Returns
    -------
    The files, in the order of `formats`; the same drawing makes the same files.
    """
    from matplotlib import rc_context

    scale = POINTS_PER_PIXEL
    if width:
        scale = min(scale, 72 * width / drawing.width)
    settings: Any = _SETTINGS
    with rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a box stands in its place
        figure = _figure(drawing, look, scale)
        return [_saved(figure, kind, drawing.title, dpi) for kind in formats]


def _saved(figure: Figure, kind: str, title: str, dpi: int) -> bytes:
    stream = io.BytesIO()
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind, {})
    metadata = {"Title": title, "Software" if kind == "png" else "Creator": "genreclf", **dates}
    figure.savefig(stream, format=kind, dpi=dpi, metadata=metadata)
    return stream.getvalue()


def _figure(drawing: Drawing, look: str, scale: float) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

    size = drawing.width * scale / 72, drawing.height * scale / 72
    figure = Figure(figsize=size, facecolor=theme.colours(look)["--ground"])
    places = Affine2D().scale(1 / drawing.width, -1 / drawing.height).translate(0, 1) + figure.transFigure
    draw = _Painter(figure, places, scale, look)
    for order, mark in enumerate(drawing.marks, start=1):
        draw.mark(mark, order)
    return figure


class _Painter:
    """Puts marks on a figure of matplotlib's."""

    def __init__(self, figure: Figure, places: Any, scale: float, look: str) -> None:  # noqa: ANN401 - a transform
        self._figure, self._places, self._scale, self._look = figure, places, scale, look
        self._base = theme.attributes("", look)
        self._families = _families()

    def mark(self, mark: Mark, order: int) -> None:
        """Draw one mark above all before it."""
        looks = {**self._base, **mark.looks(self._look)}
        if mark.tag == "text":
            self._text(mark.text, looks, order)
        elif mark.tag == "image":
            self._image(looks, order)
        else:
            self._shape(_outline(mark.tag, looks), looks, order, filled=mark.tag != "line")

    def _shape(self, path: Path, looks: dict[str, Any], order: int, *, filled: bool) -> None:
        from matplotlib.colors import to_rgba
        from matplotlib.patches import PathPatch

        fill, stroke = str(looks["fill"]), str(looks.get("stroke", "none"))
        width = float(looks.get("stroke-width", 1)) * self._scale
        dashes = [float(dash) * self._scale for dash in str(looks.get("stroke-dasharray", "")).split()]
        round_ends = looks.get("stroke-linecap") == "round"
        patch = PathPatch(
            path,
            transform=self._places,
            facecolor=to_rgba(fill, float(looks.get("fill-opacity", 1))) if filled and fill != "none" else "none",
            edgecolor=to_rgba(stroke, float(looks.get("stroke-opacity", 1))) if stroke != "none" else "none",
            linewidth=width if stroke != "none" else 0,
            linestyle=(0, dashes) if dashes else "solid",
            capstyle="round" if round_ends else "butt",
            joinstyle="round" if looks.get("stroke-linejoin") == "round" else "miter",
            zorder=order,
        )
        self._figure.add_artist(patch)

    def _text(self, text: str, looks: dict[str, Any], order: int) -> None:
        from matplotlib.patheffects import withStroke

        turned = re.match(r"rotate\((-?[\d.]+)", str(looks.get("transform", "")))
        halo = []
        if looks.get("paint-order") == "stroke":
            halo = [withStroke(linewidth=float(looks["stroke-width"]) * self._scale, foreground=str(looks["stroke"]))]
        self._figure.text(
            float(looks["x"]),
            float(looks["y"]),
            text,
            transform=self._places,
            color=str(looks["fill"]),
            fontsize=float(looks["font-size"]) * self._scale,
            fontfamily=self._families,
            fontweight="bold" if float(looks.get("font-weight", 400)) >= _BOLD else "normal",
            horizontalalignment={"middle": "center", "end": "right"}.get(str(looks.get("text-anchor")), "left"),
            verticalalignment="baseline",
            rotation=-float(turned[1]) if turned else 0,
            rotation_mode="anchor",
            path_effects=halo,
            parse_math=False,
            zorder=order,
        )

    def _image(self, looks: dict[str, Any], order: int) -> None:
        from matplotlib.image import BboxImage
        from matplotlib.transforms import Bbox, TransformedBbox
        from PIL import Image

        x, y, width, height = (float(looks[name]) for name in ("x", "y", "width", "height"))
        # The first row of the picture is on top, and y grows downward.
        box = TransformedBbox(Bbox([[x, y], [x + width, y + height]]), self._places)
        picture = Image.open(io.BytesIO(b64decode(str(looks["href"]).partition(",")[2]))).convert("RGB")
        image = BboxImage(box, interpolation="nearest" if "image-rendering" in looks else "auto", zorder=order)
        image.set_data(np.asarray(picture))
        self._figure.add_artist(image)


def _families() -> list[str]:
    """Fonts to look for a character in, those that are installed."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return [name for name in _FONTS if name in installed]


def _outline(tag: str, looks: dict[str, Any]) -> Path:
    """The outline of a mark as a path of matplotlib's."""
    from matplotlib.path import Path

    if tag == "path":
        vertices, codes = zip(*_steps(str(looks["d"])), strict=True)
        return Path(vertices, codes)
    if tag == "line":
        return Path([(looks["x1"], looks["y1"]), (looks["x2"], looks["y2"])])
    if tag == "circle":
        return Path.circle((looks["cx"], looks["cy"]), looks["r"])
    x, y, width, height = (float(looks[name]) for name in ("x", "y", "width", "height"))
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    return Path(corners, closed=True)


def _steps(d: str) -> Iterator[tuple[tuple[float, float], np.uint8]]:
    """The points and codes of a path of SVG: moves, lines, and arcs that are half circles, as `glyph` draws them."""
    from matplotlib.path import Path

    parts = iter(_STEP.findall(d))
    x = y = 0.0
    start, command = (x, y), ""
    for part in parts:
        values = [] if part.isalpha() else [float(part)]
        command = part if part.isalpha() else command
        needed = {"Z": 0, "H": 1, "V": 1, "A": 7}.get(command.upper(), 2)
        values += [float(next(parts)) for _ in range(needed - len(values))]
        base_x, base_y = (x, y) if command.islower() else (0.0, 0.0)
        if command in "Zz":
            x, y = start
            yield start, Path.CLOSEPOLY
        elif command == "a":
            yield from (((px, py), Path.CURVE4) for px, py in _half_circle(x, y, values[5], values[6]))
            x, y = x + values[5], y + values[6]
        else:
            x = base_x + values[0] if command not in "Vv" else x
            y = base_y + values[-1] if command not in "Hh" else y
            start = (x, y) if command in "Mm" else start
            yield (x, y), Path.MOVETO if command in "Mm" else Path.LINETO
        command = {"M": "L", "m": "l"}.get(command, command)


def _half_circle(x: float, y: float, dx: float, dy: float) -> list[tuple[float, float]]:
    """Two Bézier curves from a place to another, as half of the circle around their middle."""
    ux, uy = dx / 2, dy / 2
    nx, ny, k = uy, -ux, _CIRCLE
    top, end = (x + ux + nx, y + uy + ny), (x + dx, y + dy)
    first = [(x + k * nx, y + k * ny), (top[0] - k * ux, top[1] - k * uy), top]
    return [*first, (top[0] + k * ux, top[1] + k * uy), (end[0] + k * nx, end[1] + k * ny), end]
