"""What the numbers say, one plain sentence each, for the top of a report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.pages.wording import (
    count,
    interval,
    listed,
    model_title,
    p_value,
    points,
    protocol_title,
    seconds,
    with_interval,
)
from genreclf.reports.outcome import (
    baselines,
    confusion_of,
    contenders,
    is_tied,
    model_columns,
    rows_of,
    score_of,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from genreclf.evaluation.comparison import Comparison

MUCH_QUICKER = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing that the numbers say.

    Parameters
    ----------
    topic : two or three words that name it.
    text : the sentence.
    """

    topic: str
    text: str


def findings(comparison: Comparison) -> list[Finding]:
    """What the numbers say; what cannot be said from a comparison is left out."""
    ranking = contenders(comparison.ranking)
    if ranking.empty:
        return []
    return [
        *_best(comparison, ranking),
        *_ties(ranking),
        *_quickest(ranking),
        *_leak(comparison, str(ranking["model"].iloc[0])),
        *_confused(comparison),
    ]


def _best(comparison: Comparison, ranking: pd.DataFrame) -> Iterator[Finding]:
    best = rows_of(ranking)[0]
    score = with_interval(*score_of(best))
    score = score.replace("(", "(95 % interval ", 1)
    text = f"{model_title(best['model'])} does best: macro-F1 {score} under {protocol_title(comparison.protocol)}"
    guessing = baselines(comparison.ranking)
    if len(guessing):
        floor = guessing.iloc[0]
        text += f"; the baseline '{model_title(floor['model']).lower()}' gives {points(float(floor['macro_f1']))}"
    yield Finding("Best model", text + ".")


def _ties(ranking: pd.DataFrame) -> Iterator[Finding]:
    others = ranking.iloc[1:]
    if others.empty or "tied_with_best" not in ranking:
        return
    best = model_title(ranking["model"].iloc[0])
    tied = [model_title(name) for name in others.loc[_flags(others), "model"]]
    if not tied:
        worst_p = max((p for row in rows_of(others) if math.isfinite(p := value_of(row, "p_value"))), default=math.nan)
        beyond = f" (p {_compared(worst_p)} for each)" if math.isfinite(worst_p) else ""
        yield Finding("Told apart", f"{best} is better than every other model by more than chance explains{beyond}.")
    elif len(tied) == len(others):
        subject = "The other model" if len(tied) == 1 else "None of the other models"
        verb = "can't be told apart from" if len(tied) == 1 else "can be told apart from"
        yield Finding("Told apart", f"{subject} {verb} {best}: the differences are within what chance explains.")
    else:
        yield Finding("Told apart", f"{listed(tied)} can't be told apart from {best}; the rest are worse.")


def _flags(frame: pd.DataFrame) -> list[bool]:
    return [is_tied(row) for row in rows_of(frame)]


def _compared(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"≤ {text}"


def _quickest(ranking: pd.DataFrame) -> Iterator[Finding]:
    if "tied_with_best" not in ranking or "fit_seconds" not in ranking or len(ranking) < 2:
        return
    best, *others = rows_of(ranking)
    tied = [row for row in others if is_tied(row) and value_of(row, "fit_seconds") > 0]
    if not tied:
        return
    quick = min(tied, key=lambda row: value_of(row, "fit_seconds"))
    times = value_of(best, "fit_seconds") / value_of(quick, "fit_seconds")
    if times >= MUCH_QUICKER:
        yield Finding(
            "Time",
            f"{model_title(quick['model'])} does as well as far as these tracks can show, and is fitted {times:,.0f}"
            f" times as fast ({seconds(float(quick['fit_seconds']))} instead of"
            f" {seconds(float(best['fit_seconds']))}).",
        )


def _leak(comparison: Comparison, best: str) -> Iterator[Finding]:
    leak = comparison.leak
    if leak.empty:
        return
    rows = leak[leak["model"] == best]
    row = rows_of(rows if len(rows) else leak)[0]
    amount, low, high = score_of(row, "leak")
    ends = interval(*((low, high) if amount >= 0 else (-high, -low)))
    size = points(abs(amount))
    sure = f" (95 % interval {ends})" if ends else ""
    if low > 0 or (amount > 0 and not math.isfinite(low)):
        text = (
            f"Had tracks of one artist been allowed on both sides of the split, {model_title(row['model'])} would have"
            f" seemed {size} points better{sure}: {points(float(row['macro_f1_random']))} instead of"
            f" {points(float(row['macro_f1_safe']))}."
        )
    else:
        change = "better" if amount >= 0 else "worse"
        text = (
            f"Letting artists stand on both sides of the split would have changed {model_title(row['model'])} by no"
            f" more than chance explains: {size} points {change}{sure}."
        )
    yield Finding("Leaking artists", text)


def _confused(comparison: Comparison) -> Iterator[Finding]:
    models = model_columns(comparison)
    if not models:
        return
    confusion = confusion_of(comparison, models[0])
    shares, counts = confusion.shares, confusion.counts
    pairs = [
        (float(shares[i, j] + shares[j, i]), -i, -j, i, j)
        for i in range(len(confusion.genres))
        for j in range(i)
        if counts[i, j] + counts[j, i] > 0
    ]
    title = model_title(models[0])
    if not pairs:
        yield Finding("Confused", f"{title} got every track right.")
        return
    _, _, _, first, second = max(pairs)
    if shares[second, first] > shares[first, second]:
        first, second = second, first
    names = confusion.genres
    there = _taken(int(counts[first, second]), int(counts[first].sum()), names[first], names[second])
    back = _taken(int(counts[second, first]), int(counts[second].sum()), names[second], names[first])
    text = f"{title} confuses {names[first]} and {names[second]} most: {there}"
    yield Finding("Confused", text + (f", and {back}." if counts[second, first] else "."))


def _taken(wrong: int, total: int, genre: str, other: str) -> str:
    return f"{wrong} of {count(total, f'{genre} track')} ({100 * wrong / max(total, 1):.0f} %) were taken for {other}"
