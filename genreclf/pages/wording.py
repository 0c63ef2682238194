"""How numbers and names are put into words, the same on every page, table and picture."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genreclf.models import title_of

_PROTOCOLS = {
    "holdout": "one split, tracks dealt at random",
    "cv": "cross-validation",
    "cv-artist": "cross-validation, artists kept apart",
    "cv-random": "cross-validation, tracks dealt at random",
    "study": "the study's split, tracks dealt at random",
    "cross": "training on one table and testing on another",
    "split": "the data set's own split",
}
_FAMILIES = {"mfcc": "MFCC", "tonnetz": "Tonnetz", "power": "Power", "tempo": "Tempo", "chroma": "Chroma"}


def clean(text: str) -> str:
    """Text that XML and a terminal can hold: characters that they forbid become a visible mark."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") or c in "\ufffe\uffff" else c for c in text)


def model_title(name: str) -> str:
    """The name of a model as people say it."""
    return title_of(name)


def protocol_title(name: str) -> str:
    """What a protocol does, in a few words."""
    return _PROTOCOLS.get(name, name)


def family_title(name: str) -> str:
    """The name of a feature family, or of several joined by ``+``."""
    parts = [part.strip() for part in name.replace(",", "+").split("+")]
    return " + ".join(_FAMILIES.get(part, part) for part in parts)


def points(share: float, *, sign: bool = False) -> str:
    """A share from 0 to 1 as points out of 100, or a dash where there is none."""
    if not math.isfinite(share):
        return "\u2013"
    text = f"{100 * share:+.1f}" if sign else f"{100 * share:.1f}"
    return text.replace("-", "\u2212")


def interval(low: float, high: float, *, sign: bool = False) -> str:
    """Both ends of an interval in points; empty where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{points(low, sign=sign)} to {points(high, sign=sign)}"


def with_interval(value: float, low: float, high: float, *, sign: bool = False) -> str:
    """A score and its interval: ``67.1 (60.2 to 73.0)``."""
    ends = interval(low, high, sign=sign)
    return f"{points(value, sign=sign)} ({ends})" if ends else points(value, sign=sign)


def p_value(value: float) -> str:
    """A p-value to the precision that it deserves; empty where there is none."""
    if not math.isfinite(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def seconds(value: float) -> str:
    """A duration with two digits or so."""
    if not math.isfinite(value):
        return "\u2013"
    if value >= 120:
        return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"
    if value < 0.01:
        return f"{1000 * value:.1f} ms"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 track``, ``8,000 tracks``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], *, last: str = "and", most: int = 0) -> str:
    """``a, b and c``; beyond `most` names, how many more."""
    items: Sequence[str] = list(names)
    if most and len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1} more"]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def flat(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """A value of JSON in one line: lists and mappings without brackets, what is empty left out."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {flat(inner)}" for key, inner in value.items() if inner not in (None, "", {}, []))
    if isinstance(value, list | tuple):
        return ", ".join(flat(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
