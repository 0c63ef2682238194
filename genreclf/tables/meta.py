"""What a feature table was made with, as it stands in the ``.json`` of the same name beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_LONGEST = 1e9  # no stretch of a track begins or ends later, in seconds, and no rate is higher


def read_meta(path: Path) -> dict[str, Any] | None:
    """Feature set, parameters, columns and versions; None where the file is not what genreclf leaves there."""
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return meta if _is_meta(meta) else None


def _is_meta(meta: object) -> bool:
    if not isinstance(meta, dict) or not isinstance(meta.get("feature_set"), str):
        return False
    parameters, columns, versions = meta.get("parameters", {}), meta.get("columns", []), meta.get("versions", {})
    return (
        isinstance(parameters, dict)
        and all(
            value is None or (type(value) in {int, float} and abs(value) < _LONGEST) for value in parameters.values()
        )
        and isinstance(columns, list)
        and all(isinstance(name, str) for name in columns)
        and isinstance(versions, dict)
    )
