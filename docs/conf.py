"""The documentation site: these pages, the example notebooks, and an API reference from docstrings.

    sphinx-build -W --keep-going docs build/site          # of the extra `docs`

A dead link, and a name in a docstring that is neither documented nor in the code, ends the build with an error.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer
from sphinx.util import logging

import genreclf

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx

project, author, release = "genreclf", "The genreclf developers", genreclf.__version__
version, copyright = release, author  # noqa: A001 - Sphinx's name
extensions = ["myst_nb", "sphinx.ext.autodoc"]
root_doc = "index"
exclude_patterns = ["notebooks/run.py"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "off"  # they are kept with their outputs, which the tests make anew
nitpicky = True
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
html_theme, html_title, html_show_sphinx, html_copy_source = "furo", "genreclf", False, False
html_extra_path = ["../reports/demo/report.html"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0060a0", "color-brand-content": "#0060a0"},
    "dark_css_variables": {"color-brand-primary": "#7cc3f2", "color-brand-content": "#7cc3f2"},
}

LOGGER = logging.getLogger(__name__)
_HEADING = re.compile(r"^(Parameters|Attributes|Raises|Returns|Yields)$")
_NAME = re.compile(r"(?<![`:\w])`([^`<>\n]+)`(?!`)")
_ITEM = re.compile(r"^(\S.*?) : (.*)$")
_PUBLIC = {
    f"{found.__module__}.{found.__qualname__}": f"genreclf.{name}"
    for name in genreclf.__all__
    if inspect.isfunction(found := getattr(genreclf, name)) or inspect.isclass(found)
}


def setup(app: Sphinx) -> None:
    """Read our docstrings, and resolve the names in them."""
    app.add_lexer("csv", TextLexer)
    app.connect("autodoc-process-docstring", process_docstring)
    app.connect("missing-reference", known_elsewhere)


def process_docstring(app: Sphinx, what: str, name: str, shown: object, options: object, lines: list[str]) -> None:  # noqa: ARG001, PLR0917
    """Make lists of the sections of a docstring, and links or code of the names in backticks."""
    shown = shown.fget if isinstance(shown, property) else shown
    if not (getattr(shown, "__module__", None) or name).startswith("genreclf"):
        lines[:] = lines[:1]  # what is inherited from scikit-learn is written for its own pages
        return
    own = set(_parameters(lines))
    if what == "method" and inspect.isfunction(shown):
        own |= _arguments(getattr(import_module(shown.__module__), shown.__qualname__.split(".")[0], None))
    lines[:] = [_NAME.sub(lambda found: _linked(found[1], name, shown, own), line) for line in _listed(lines)]


def _parameters(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if found := _ITEM.match(line):
            yield from found[1].split(", ")


def _listed(lines: list[str]) -> Iterator[str]:
    """The lines with underlined sections as headings, and their ``name : text`` as definitions."""
    inside = ""
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _HEADING.match(line) and set(following) == {"-"}:
            inside = line
            yield from (f".. rubric:: {line}", "")
        elif inside and line and set(line) == {"-"}:
            continue
        elif inside and (found := _ITEM.match(line)):
            names = (f":py:exc:`{part}`" if inside == "Raises" else f"``{part}``" for part in found[1].split(", "))
            yield from (", ".join(names), f"    {found[2]}")
        else:
            yield line


def _linked(text: str, name: str, shown: object, own: set[str]) -> str:
    """What a name in backticks becomes: code for a parameter, else a link to what is documented."""
    if text in own or text in _arguments(shown) or not re.fullmatch(r"[\w.]+", text):
        return f"``{text}``"
    if full := _resolved(text, name, shown):
        return f":py:obj:`{text} <{_PUBLIC.get(full, full)}>`"
    LOGGER.warning("%s: the name `%s` is neither documented nor in the code", name, text)
    return f"``{text}``"


def _arguments(shown: object) -> set[str]:
    try:
        return set(inspect.signature(shown).parameters)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return set()


def _resolved(text: str, name: str, shown: object) -> str:
    """The full name of what a docstring names, as seen from where it stands; empty where there is none."""
    module = getattr(shown, "__module__", None) or (name if name in sys.modules else name.rpartition(".")[0])
    parents = [f"{module}.{part}" for part in _enclosing(getattr(shown, "__qualname__", ""))]
    for place in ("", *parents, name, name.rpartition(".")[0], module, "genreclf"):
        if full := _found(f"{place}.{text}".strip(".")):
            return full
    return ""


def _enclosing(qualname: str) -> list[str]:
    parts = qualname.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _found(dotted: str) -> str:
    """The name under which something is documented, where it is in the code."""
    parts = dotted.split(".")
    if parts[0] != "genreclf":
        return ""
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for place, part in enumerate(parts[end:], start=end):
            if not hasattr(found, part):
                fields = getattr(found, "__dataclass_fields__", {})
                return dotted if part in fields and place == len(parts) - 1 else ""
            found = getattr(found, part)
        if inspect.isfunction(found) or inspect.isclass(found):
            return f"{found.__module__}.{found.__qualname__}"
        return dotted
    return ""


def known_elsewhere(app: Sphinx, env: object, node: Element, content: Element) -> Element | None:  # noqa: ARG001
    """Names of other libraries, and of ours that have no entry here, stay as they are: the code has them."""
    ours = str(node.get("reftarget", "")).startswith("genreclf")
    if node.get("refdomain") == "py" and (not ours or _found(node["reftarget"])):
        return content
    return None
