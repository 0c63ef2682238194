"""How numbers and names are written, the same on every page, table and picture."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from genreclf.models import title_of

# Control characters, surrogates and what is no character: whole drawings go through here, at once.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FAMILIES = {"mfcc": "MFCC", "tonnetz": "Tonnetz", "power": "Power", "tempo": "Tempo", "chroma": "Chroma"}


def clean(text: str) -> str:
    """Text that XML and a terminal can hold: characters that they forbid become a replacement character."""
    return _FORBIDDEN.sub("\ufffd", text)


def model_title(name: str) -> str:
    """The display name of a model."""
    return title_of(name)


def family_title(name: str) -> str:
    """The display name of a feature family, or of several joined by ``+``."""
    parts = [part.strip() for part in name.replace(",", "+").split("+")]
    return " + ".join(_FAMILIES.get(part, part) for part in parts)


def points(share: float, *, sign: bool = False, digits: int = 1) -> str:
    """A share from 0 to 1 as points out of 100, or a dash where there is none."""
    if not math.isfinite(share):
        return "\u2013"
    return f"{100 * share:{'+' if sign else ''}.{digits}f}".replace("-", "\u2212")


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
    """A p-value to two or three digits; empty where there is none."""
    if not math.isfinite(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def seconds(value: float) -> str:
    """A duration with about two digits."""
    if not math.isfinite(value):
        return "\u2013"
    if value >= 120:
        return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"
    if value < 0.01:
        return f"{1000 * value:.1f} ms"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def count(number: int, noun: str) -> str:
    """``1 track``, ``8,000 tracks``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[str], *, last: str = "and", most: int = 0) -> str:
    """``a, b and c``; beyond `most` names, how many more."""
    items: Sequence[str] = list(names)
    if most and len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1} more"]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
