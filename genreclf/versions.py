"""Versions: which Python and libraries a result was made with."""

from __future__ import annotations

import platform
from importlib.metadata import version

from genreclf import __version__


def versions(*distributions: str) -> dict[str, str]:
    """Versions of genreclf, Python and some installed distributions, by name."""
    own = {"genreclf": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in distributions}
