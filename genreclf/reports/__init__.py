"""Reports: a comparison of models, or of runs, as pages, tables and pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def write_report(comparison: Comparison, folder: Path | str, *, players: Path | str | None = None) -> None:
    """Write the tables of a comparison, ``report.html``, ``report.md`` and ``pictures/*.svg`` into a folder.

    Parameters
    ----------
    players : where the paths of tracks start; misclassified tracks that are there get a player, for a page that stays
        beside the music.

    Raises
    ------
    RequestError : the folder cannot be written to, or holds files that are not ours, or there is no folder of music.
    """
    from genreclf.pages.page import write_pages
    from genreclf.reports.comparison_page import comparison_page

    linked = None if players is None else _players(Path(players), Path(folder))
    comparison.write(folder)
    write_pages(comparison_page(comparison), Path(folder) / "report.html", players=linked)


def check_music(music: Path) -> None:
    """Refuse a place where no tracks can be, before work begins.

    Raises
    ------
    RequestError : there is no such folder.
    """
    from genreclf.errors import RequestError

    if not music.is_dir():
        raise RequestError(f"`players={music}`: no folder there; name the one where the paths of the tracks start")


def _players(music: Path, folder: Path) -> Callable[[str], str]:
    """What gives the address of a track, relative to the page; empty where the track is not there."""
    check_music(music)

    def address(path: str) -> str:
        track = music / path
        return quote(os.path.relpath(track.resolve(), folder.resolve()).replace(os.sep, "/")) if track.is_file() else ""

    return address
