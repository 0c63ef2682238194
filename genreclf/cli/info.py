"""``genreclf info``: what a model, an index, a table or a report folder is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import emit_json, show
from genreclf.cli.options import Json
from genreclf.errors import RequestError


def info(
    file: Annotated[Path, typer.Argument(help="A model, an index, a feature table or a report folder.")],
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page; of a model, a model card.")] = False,
) -> None:
    """Say what a file is, what it was made from, how good it is, and what to expect of it."""
    from genreclf.information import information

    if json and markdown:
        raise RequestError("--json and --markdown exclude each other; give one")
    found = information(file)
    if json:
        emit_json(found.as_json())
    else:
        show(found.as_markdown() if markdown else found.as_text())
