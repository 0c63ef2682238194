"""Pages: a template, the shared style sheet and a script, in one file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.errors import RequestError
from genreclf.pages.wording import clean

if TYPE_CHECKING:
    from jinja2 import Environment

    from genreclf.pages.blocks import Page

_MARK = b'<meta name="generator" content="genreclf '
_PICTURE_MARK = b'class="chart" role="img" aria-labelledby="picture-title'


def html(page: Page) -> str:
    """The page as HTML; every text is escaped, and the browser may load or run only what the page holds."""
    from markupsafe import Markup

    style, script = resource("chart.css") + resource("page.css"), resource("page.js")
    template = environment().get_template("report.html.jinja")
    return template.render(
        page=page,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
        policy=f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
    )


def check_page(path: Path) -> None:
    """Refuse a place for a page before work begins.

    Raises
    ------
    RequestError : there is a folder, or a file that is no page of genreclf.
    """
    from genreclf.files import check_file

    check_file(path, mark=_MARK, what="a page of genreclf")


def check_pages(path: Path) -> None:
    """Refuse a place for a page with its Markdown and its pictures, which are ours where the page is.

    Raises
    ------
    RequestError : there is something else, or the page would lie where its own Markdown goes.
    """
    from genreclf.files import check_file, check_unmarked

    if path.suffix == ".md":
        raise RequestError(f"{path}: the Markdown goes there; name the page, {path.with_suffix('.html')}")
    check_page(path)
    if not path.exists():
        check_unmarked(path.with_suffix(".md"), what="a page of genreclf")
    for picture in (path.parent / "pictures").glob("*.svg"):  # other pages of the same folder may have theirs there
        check_file(picture, mark=_PICTURE_MARK, what="a picture of genreclf's")


def write_pages(page: Page, path: Path) -> None:
    """Write the page, the same as Markdown beside it (``.md``), and its figures into the folder ``pictures``.

    Raises
    ------
    RequestError : the files cannot be written, or are not ours; see `check_pages`.
    """
    from genreclf.files import write_whole
    from genreclf.pages.markdown import markdown

    write_whole(path, html(page))
    write_whole(path.with_suffix(".md"), markdown(page))
    for section in page.sections:
        for name, drawing in section.pictures():
            write_whole(path.parent / "pictures" / name, drawing.standalone(resource("chart.css")))


@cache
def resource(name: str) -> str:
    """A style sheet, script or template of pages."""
    return (files("genreclf.pages") / "templates" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@cache
def environment() -> Environment:
    """What renders templates: every text is escaped, and holds nothing that HTML cannot."""
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
