"""Messages of the library in the words of the command line: ``jobs=0`` is ``--jobs 0`` there."""

from __future__ import annotations

import re
from collections.abc import Collection


def as_options(line: str, names: Collection[str] = ()) -> str:
    """The line with parameters written as options: all in backticks, and ``name=value`` of the parameters `names`.

    ``name=True`` and a name alone become a switch, ``name=False`` becomes ``--no-name``.
    """

    def option(found: re.Match[str]) -> str:
        name, value = found[1].replace("_", "-"), (found[2] or "").strip("'")
        if value == "False":
            return f"--no-{name}"
        return f"--{name}" if value in ("", "True") else f"--{name} {value}"

    line = re.sub(r"`([a-z_]+)(?:=([^`]*))?`", option, line)
    known = "|".join(map(re.escape, names))
    return re.sub(rf"(?<![^\s(])({known})=(True\b|False\b|)(?=\S|\b)", _spaced, line) if known else line


def _spaced(found: re.Match[str]) -> str:
    name = found[1].replace("_", "-")
    return {"True": f"--{name}", "False": f"--no-{name}"}.get(found[2], f"--{name} ")
