"""How a comparison was made, so that it can be made again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genreclf.evaluation.run_comparison import flat
from genreclf.pages.blocks import Section
from genreclf.pages.wording import protocol_title, seconds

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison

_FIRST = ("command", "table", "protocols", "seed", "models", "features")


def origin(comparison: Comparison) -> Section | None:
    """Everything that is known of the run, the command first."""
    run = {key: value for key, value in comparison.run.items() if key != "notes"}
    if not run:
        return None
    names = [key for key in _FIRST if key in run] + sorted(set(run) - set(_FIRST))
    facts = tuple((key.replace("_", " "), text) for key in names for text in _spoken(key, run[key]))
    return Section("origin", "How this was made", short="Origin", facts=facts)


def _spoken(key: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    if value is None or value in ("", [], {}):
        return
    if key == "seconds" and isinstance(value, int | float):
        yield seconds(float(value))
    elif key == "protocols" and isinstance(value, list | tuple):
        yield "; ".join(f"{name} ({protocol_title(str(name))})" for name in value)
    else:
        yield flat(value)
