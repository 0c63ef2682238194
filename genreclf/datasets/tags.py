"""What a file says of itself: artist, album and title from its tags, each fit for a cell of a table."""

from __future__ import annotations

from pathlib import Path

from genreclf.tables.cells import cell

_LONGEST = 500  # characters; who hides a picture in a title shall not break the table


def read_tags(path: Path) -> tuple[str, str, str]:
    """Artist, album and title of a file; an empty text for each that is not there or cannot be read."""
    from tinytag import TinyTag

    try:
        tag = TinyTag.get(path)
    except Exception:  # noqa: BLE001 - tags are a help, never a reason to fail
        return ("", "", "")
    artist, album, title = (cell(str(text or "")[:_LONGEST]) for text in (tag.artist, tag.album, tag.title))
    return (artist, album, title)
