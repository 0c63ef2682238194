"""Pages: a template, the shared style sheet and a script, in one file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.errors import RequestError
from genreclf.pages.theme import style_sheet
from genreclf.pages.wording import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

    from genreclf.pages.blocks import Page

    Players = Callable[[str], str]

_MARK = b'<meta name="generator" content="genreclf '
_PICTURE_MARK = b'class="chart" role="img" aria-labelledby="picture-title'


def html(page: Page, *, players: Players | None = None) -> str:
    """The page as HTML; every text is escaped, and the browser may load or run only what the page holds.

    Parameters
    ----------
    players : gives the address of a cell's sound, empty where there is none; None for a page without players.
    """
    from markupsafe import Markup

    style, script = page_style(), resource("page.js")
    template = environment().get_template("report.html.jinja")
    media = "" if players is None else "media-src 'self' file:; "
    return template.render(
        page=page,
        players=players,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
        policy=f"img-src data:; {media}{content_policy(style, script)}",
    )


def page_style() -> str:
    """The style sheet of every page."""
    return style_sheet() + resource("page.css")


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


def write_pages(page: Page, path: Path, *, players: Players | None = None) -> None:
    """Write the page, the same as Markdown beside it (``.md``), and its figures into the folder ``pictures``.

    Raises
    ------
    RequestError : the files cannot be written, or are not ours; see `check_pages`.
    """
    from genreclf.files import write_whole
    from genreclf.pages.markdown import markdown

    write_whole(path, html(page, players=players))
    write_whole(path.with_suffix(".md"), markdown(page))
    for section in page.sections:
        for name, drawing in section.pictures():
            write_whole(path.parent / "pictures" / name, drawing.standalone())


@cache
def resource(name: str) -> str:
    """A style sheet, script or template of pages."""
    return (files("genreclf.pages") / "templates" / name).read_text(encoding="utf-8")


def content_policy(style: str, script: str) -> str:
    """A content security policy by which a page runs this script, has this style and loads nothing."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; "
        "form-action 'none'"
    )


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
