"""What a comparison shows, one plain sentence each: for the top of a report and for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genreclf.evaluation.protocols import title as protocol_title
from genreclf.pages.blocks import Finding
from genreclf.pages.wording import (
    count,
    interval,
    listed,
    model_title,
    p_value,
    points,
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
    track_names,
    training_unit,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genreclf.evaluation.comparison import Comparison

NOT_WORSE = "not significantly worse than the best"
_MUCH_FASTER = 5.0
# The smallest and the largest leak of the seven models on Emotify's tracks, with the defaults of `benchmark`.
_LEAK_OF_KNOWN_ARTISTS = (0.071, 0.094)
_TRACKS_OF_KNOWN_ARTISTS = 200
_FIRST_ISSUES = 3


def findings(comparison: Comparison, *, most: int | None = 1) -> list[Finding]:
    """What the numbers show; what a comparison has no numbers for is left out.

    Parameters
    ----------
    most : for how many models artist leakage and the gain of tuning are given, best first; None for all.
    """
    rows = rows_of(contenders(comparison.ranking))
    if not rows:
        return []
    return [
        *unknown_artists(comparison),
        _best(comparison, rows[0]),
        *_significance(rows),
        *_time(rows),
        *_leakage(comparison)[:most],
        *_tuning(comparison)[:most],
        *_learning_curve(comparison),
        *_confused(comparison),
        *_label_issues(comparison),
    ]


def unknown_artists(comparison: Comparison) -> list[Finding]:
    """That random folds were all there was, where no artist is known: what a reader must know before any score."""
    table = comparison.run.get("table")
    if not isinstance(table, dict) or "artists" not in table or table["artists"] is not None:
        return []
    low, high = (points(value) for value in _LEAK_OF_KNOWN_ARTISTS)
    text = (
        "no artist is known, so tracks by one artist may be in both the training and the test set, and scores are"
        f" likely too high. On {_TRACKS_OF_KNOWN_ARTISTS} tracks with known artists, random folds scored {low} to"
        f" {high} points higher than artist-disjoint ones. Name the column of artists with --group, or guess artists"
        " from paths with --artists folders or --artists names."
    )
    return [Finding("Unknown artists", text)]


def _leakage(comparison: Comparison) -> list[Finding]:
    """What random folds add to the score of each model that learns, in the order of the ranking."""
    if comparison.leak.empty:
        return []
    rows = {row["model"]: row for row in rows_of(contenders(comparison.leak))}
    ranked = [model for model in comparison.ranking["model"] if model in rows]
    return [Finding("Artist leakage", _leaked(rows[model])) for model in ranked]


def _best(comparison: Comparison, best: Mapping[str, Any]) -> Finding:
    score = with_interval(*score_of(best)).replace("(", "(95 % interval ", 1)
    text = (
        f"{model_title(best['model'])} scores highest, with a macro-F1 of {score} under "
        f"{protocol_title(comparison.protocol)}"
    )
    repeats, spread = value_of(best, "repeats"), value_of(best, "macro_f1_sd")
    if repeats > 1:
        text += f", the mean of {repeats:.0f} repeats (standard deviation {points(spread)} points)"
    for floor in rows_of(baselines(comparison.ranking))[:1]:
        text += f"; the baseline '{model_title(floor['model']).lower()}' scores {points(value_of(floor, 'macro_f1'))}"
    return Finding("Best model", text + ".")


def _significance(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    best, others = model_title(rows[0]["model"]), rows[1:]
    if not others or "tied_with_best" not in rows[0]:
        return
    tied = [model_title(row["model"]) for row in others if is_tied(row)]
    if not tied:
        worst = max((p for row in others if math.isfinite(p := value_of(row, "p_value"))), default=math.nan)
        shown = p_value(worst)
        beyond = f" (p {shown if shown.startswith('<') else f'≤ {shown}'} for each)" if shown else ""
        text = f"{best} scores significantly higher than every other model{beyond}."
    elif len(tied) == len(others):
        text = f"The best model may be any of {listed([best, *tied])}; their differences are not significant."
    else:
        text = f"The best model may be any of {listed([best, *tied])}; the others score significantly lower."
    yield Finding("Significance", text)


def _time(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    tied = [row for row in rows[1:] if is_tied(row) and value_of(row, "fit_seconds") > 0]
    if not tied:
        return
    slow, fast = rows[0], min(tied, key=lambda row: value_of(row, "fit_seconds"))
    times = value_of(slow, "fit_seconds") / value_of(fast, "fit_seconds")
    if times >= _MUCH_FASTER:
        yield Finding(
            "Fit time",
            f"{model_title(fast['model'])} is {NOT_WORSE}, and is fitted {times:,.0f} times as fast"
            f" (CPU time: {seconds(value_of(fast, 'fit_seconds'))} instead of"
            f" {seconds(value_of(slow, 'fit_seconds'))}).",
        )


def _leaked(row: Mapping[str, Any]) -> str:
    amount, low, high = score_of(row, "leak")
    ends = interval(low, high)
    known = f" (95 % interval {ends})" if ends else ""
    safe, random = points(value_of(row, "macro_f1_safe")), points(value_of(row, "macro_f1_random"))
    text = f"{model_title(row['model'])} scores {safe} with artist-disjoint folds and {random} with random folds: "
    if low > 0 or (amount > 0 and not math.isfinite(low)):
        return f"{text}leakage of {points(amount)} points{known}."
    return f"{text}no significant leakage, {points(amount, sign=True)} points{known}."


def _tuning(comparison: Comparison) -> list[Finding]:
    """What tuning adds to each model, best first."""
    found = []
    for row in rows_of(comparison.tuning_gains):
        gain, low, high = score_of(row, "gain")
        default, tuned = points(value_of(row, "macro_f1_default")), points(value_of(row, "macro_f1_tuned"))
        ends = interval(low, high)
        verdict = "a significant" if low > 0 or high < 0 else "no significant"
        text = (
            f"{model_title(row['model'])} scores {tuned} with tuned and {default} with default parameters on the same"
            f" test tracks: {verdict} difference, {points(gain, sign=True)} points (95 % interval {ends})."
        )
        found.append(Finding("Tuning", text))
    return found


def _learning_curve(comparison: Comparison) -> Iterator[Finding]:
    """What twice the artists would bring to the best model that has a curve."""
    for row in [row for row in rows_of(comparison.learning_curve) if math.isfinite(value_of(row, "gain"))][:1]:
        gain, low, high = score_of(row, "gain")
        yield Finding(
            "Learning curve",
            f"Trained on twice the {training_unit(comparison)} ({value_of(row, 'artists'):,.0f}),"
            f" {model_title(row['model'])} would gain"
            f" {points(gain, sign=True)} points (95 % interval {interval(low, high)}), if the trend continues.",
        )


def _confused(comparison: Comparison) -> Iterator[Finding]:
    models = model_columns(comparison)
    if not models:
        return
    confusion, title = confusion_of(comparison, models[0]), model_title(models[0])
    shares, counts, names = confusion.shares, confusion.counts, confusion.genres
    pairs = [
        (float(shares[i, j] + shares[j, i]), -i, -j)
        for i in range(len(names))
        for j in range(i)
        if counts[i, j] + counts[j, i] > 0
    ]
    if not pairs:
        yield Finding("Confusion", f"{title} classified every track correctly.")
        return
    first, second = (-place for place in max(pairs)[1:])
    if shares[second, first] > shares[first, second]:
        first, second = second, first

    def misclassified(genre: int, other: int) -> str:
        wrong, total = int(counts[genre, other]), int(counts[genre].sum())
        tracks = f"{wrong} of {count(total, f'{names[genre]} track')} ({100 * wrong / max(total, 1):.0f} %)"
        return f"{tracks} {'was' if wrong == 1 else 'were'} classified as {names[other]}"

    back = f", and {misclassified(second, first)}" if counts[second, first] else ""
    yield Finding(
        "Confusion",
        f"{title} confuses {names[first]} and {names[second]} most often: {misclassified(first, second)}{back}.",
    )


def _label_issues(comparison: Comparison) -> Iterator[Finding]:
    rows, names = rows_of(comparison.label_issues), track_names(comparison)
    if not rows:
        return
    tested = comparison.tracks["track_id"].nunique() if "track_id" in comparison.tracks else len(rows)
    first = listed(
        [
            f"{names.get(str(row['track_id']), str(row['track_id']))} (labelled {row['genre']}; {row['suggested']} at"
            f" {100 * value_of(row, 'confidence'):.0f} %)"
            for row in rows[:_FIRST_ISSUES]
        ]
    )
    rest = "; label_issues.csv lists all" if len(rows) > _FIRST_ISSUES else ""
    yield Finding(
        "Label issues",
        f"Confident learning disagrees with the labels of {count(len(rows), 'track')} of {tested:,}, most surely of"
        f" {first}{rest}. The harder genres are to tell apart, the more of these labels are right.",
    )
