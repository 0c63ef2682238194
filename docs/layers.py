"""The layers of the package, read from its imports, as a check and as a picture.

    python docs/layers.py            # draws docs/pictures/layers.svg

`LAYERS` is the one place where the order stands. A module may import from its own layer and from those below it,
whether the import is at the top of the file, inside a function or only for type checking.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "genreclf"
PICTURE = ROOT / "docs" / "pictures" / "layers.svg"

LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("command line", ("cli", "__main__")),
    ("whole journeys", ("demo", "transformer", "classifier", "tasks")),
    ("results as pages", ("reports", "inspection", "information", "notebook", "exploration", "export")),
    ("what pages share", ("pages",)),
    (
        "one call per command",
        (
            "serving",
            "batch",
            "tagging",
            "prediction_table",
            "extraction",
            "verification",
            "training",
            "model_inputs",
            "prediction",
            "network_tagging",
            "tag_training",
            "tag_prediction",
            "loading",
        ),
    ),
    ("who wins", ("evaluation",)),
    ("what sounds alike", ("similarity",)),
    ("what learns", ("models",)),
    ("which tracks and weights", ("datasets", "weights")),
    ("samples to a row", ("features",)),
    ("trained elsewhere", ("networks",)),
    ("frames to a file", ("series",)),
    ("rows to a file", ("tables",)),
    ("a file to samples", ("audio",)),
    ("processes and files", ("cluster", "workers", "files", "archive", "remote", "streams", "forks")),
    ("the ground", ("errors", "progress", "plugins", "references", "seeds", "versions", "display")),
)

_WIDTH, _ROW, _BOX_HEIGHT, _LEFT = 900, 64, 30, 190


def modules() -> dict[str, Path]:
    """The modules of the package: dotted name to file; the package's own ``__init__`` is left out."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name != PACKAGE:
            found[name] = path
    return found


def imports() -> dict[str, set[str]]:
    """What each module imports of the package, function-level and type-checking imports included."""
    known = modules()
    return {name: _imported(path, known) - {name} for name, path in known.items()}


def _imported(path: Path, known: dict[str, Path]) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == PACKAGE:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
    return {module for name in names if (module := _module_of(name, known))}


def _module_of(name: str, known: dict[str, Path]) -> str:
    """The module that a dotted name lies in; empty for a name of the package itself."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def room_of(module: str) -> str:
    """The folder or file right below the package that a module belongs to."""
    return module.split(".")[1]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of imports, its first module repeated at the end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def upward(graph: dict[str, set[str]]) -> list[str]:
    """The imports from a lower layer to a higher one, a line for each."""
    level = {room: depth for depth, (_, rooms) in enumerate(LAYERS) for room in rooms}
    return [
        f"{name} imports {other}"
        for name, others in sorted(graph.items())
        for other in sorted(others)
        if level[room_of(other)] < level[room_of(name)]
    ]


def rooms(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """What each room imports of other rooms."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        found[room_of(name)] |= {room_of(other) for other in others} - {room_of(name)}
    return dict(found)


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same graph without the arrows that longer ways imply."""

    def below(room: str) -> set[str]:
        return graph.get(room, set()).union(*(below(other) for other in graph.get(room, ())))

    return {
        room: {other for other in others if not any(other in below(third) for third in others - {other})}
        for room, others in graph.items()
    }


def draw() -> str:
    """The layers as SVG: a row for each, an arrow for each import that no longer way implies."""
    graph = rooms(imports())
    places = _places(set(graph))
    height = _ROW * len(LAYERS) + 20
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
            'font-family="system-ui, sans-serif" font-size="13">'
        ),
        f"<title>The layers of {PACKAGE}; arrows are imports, those implied by longer ways left out</title>",
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z" fill="#7a8794"/></marker></defs>'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for row, (title, _) in enumerate(LAYERS):
        top = 10 + row * _ROW
        fill = "#f3f6f9" if row % 2 == 0 else "#ffffff"
        parts.append(f'<rect x="0" y="{top}" width="{_WIDTH}" height="{_ROW}" fill="{fill}"/>')
        parts.append(f'<text x="14" y="{top + 36}" fill="#5b6773">{escape(title)}</text>')
    ground = set(LAYERS[-1][1])
    for room, others in sorted(reduced(graph).items()):
        parts += [_arrow(places[room], places[other]) for other in sorted(others - ground) if room not in ground]
    for room, (x, y, width) in sorted(places.items()):
        parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{_BOX_HEIGHT}" rx="5" fill="#ffffff" stroke="#35638c"/>'
            f'<text x="{x + width / 2:g}" y="{y + 20}" text-anchor="middle" fill="#14202b">{escape(room)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _places(known: set[str]) -> dict[str, tuple[int, int, int]]:
    """Left edge, top edge and width of each room's box."""
    places = {}
    for row, (_, names) in enumerate(LAYERS):
        here = [name for name in names if name in known]
        widths = [max(70, 9 * len(name) + 20) for name in here]
        gap = (_WIDTH - _LEFT - sum(widths)) // (len(here) + 1)
        # Rooms that stand alone step aside in turn, so that an arrow past one is not taken for an arrow to it.
        x = _LEFT + gap + (row % 4 - 1) * 130 * (len(here) == 1)
        for name, width in zip(here, widths, strict=True):
            places[name] = (x, 10 + row * _ROW + (_ROW - _BOX_HEIGHT) // 2, width)
            x += width + gap
    return places


def _arrow(start: tuple[int, int, int], end: tuple[int, int, int]) -> str:
    x1, y1 = start[0] + start[2] / 2, start[1] + _BOX_HEIGHT
    x2, y2 = end[0] + end[2] / 2, end[1] - 1
    if y2 < y1:  # a neighbour in the same layer
        left, right = sorted((start, end))
        x1, x2 = (left[0] + left[2], right[0] - 1) if left is start else (right[0], left[0] + left[2] + 1)
        y1 = y2 = start[1] + _BOX_HEIGHT / 2
    bend = (y2 - y1) / 2
    return (
        f'<path d="M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}" fill="none" '
        'stroke="#7a8794" marker-end="url(#tip)"/>'
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
