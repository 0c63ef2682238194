"""How results show themselves in notebooks: each is `Displayed`, and pages draw it.

Results do not know their pages. So the package itself, which knows both, names the function that draws.
"""

from __future__ import annotations

from collections.abc import Callable

_DRAWN_BY: list[Callable[[object], str]] = []


class Displayed:
    """What shows itself in a notebook as HTML."""

    def _repr_html_(self) -> str | None:
        return _DRAWN_BY[-1](self) if _DRAWN_BY else None


def drawn_by(function: Callable[[object], str]) -> None:
    """Name the function that makes HTML of whatever is `Displayed`."""
    _DRAWN_BY.append(function)
