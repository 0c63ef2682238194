"""Pages: a template, the shared style sheet and a script, in one file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.pages.wording import clean

if TYPE_CHECKING:
    from jinja2 import Environment

    from genreclf.pages.blocks import Page

PAGE_BEGINS = b"<!doctype html>"


def html(page: Page) -> str:
    """The page as HTML; every text is escaped, and the browser may load or run only what the page holds."""
    from markupsafe import Markup

    style, script = _resource("chart.css") + _resource("page.css"), _resource("page.js")
    template = _environment().get_template("report.html.jinja")
    return template.render(
        page=page,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
        policy=f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
    )


def write_pages(page: Page, path: Path) -> None:
    """Write the page, the same as Markdown beside it (``.md``), and its figures into the folder ``pictures``.

    Raises
    ------
    RequestError : the files cannot be written.
    """
    from genreclf.files import write_whole
    from genreclf.pages.markdown import markdown

    write_whole(path, html(page))
    write_whole(path.with_suffix(".md"), markdown(page))
    for section in page.sections:
        for name, drawing in section.pictures():
            write_whole(path.parent / "pictures" / name, drawing.standalone(_resource("chart.css")))


@cache
def _resource(name: str) -> str:
    return (files("genreclf.pages") / "templates" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("genreclf.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False, "separators": (",", ":")}
    return environment
