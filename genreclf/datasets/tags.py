"""What a file says of itself: artist, album and title from its tags."""

from __future__ import annotations

from pathlib import Path


def read_tags(path: Path) -> tuple[str, str, str]:
    """Artist, album and title of a file; an empty text for each that is not there or cannot be read."""
    from tinytag import TinyTag

    try:
        tag = TinyTag.get(path)
    except Exception:  # noqa: BLE001 - tags are a help, never a reason to fail
        return ("", "", "")
    artist, album, title = (" ".join(str(text or "").split()) for text in (tag.artist, tag.album, tag.title))
    return (artist, album, title)
