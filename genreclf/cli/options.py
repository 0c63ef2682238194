"""Errors of the library in the words of the command line: ``jobs=0`` is ``--jobs 0`` there."""

from __future__ import annotations

import re
from collections.abc import Collection


def as_options(line: str, names: Collection[str]) -> str:
    """The line with each ``name=value`` of these parameters written as an option, ``name=True`` as a switch."""

    def option(found: re.Match[str]) -> str:
        name = found[1].replace("_", "-")
        return found[0] if found[1] not in names else f"--{name}" if found[2] else f"--{name} "

    return re.sub(r"(?<![^\s(])(\w+)=(?:(True)\b|(?=\S))", option, line)
