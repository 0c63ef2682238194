"""The ranking, artist leakage, fit times, the tests behind the ranking, and how the comparison was made."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from genreclf.evaluation.protocols import title as protocol_title
from genreclf.evaluation.run_comparison import flat
from genreclf.models import is_baseline
from genreclf.pages.blocks import Cell, Figure, Section, Table, table
from genreclf.pages.wording import p_value, points, seconds
from genreclf.reports import columns
from genreclf.reports.charts.cost import cost_chart
from genreclf.reports.charts.forest import forest
from genreclf.reports.charts.leak import leak_chart
from genreclf.reports.findings import NOT_WORSE
from genreclf.reports.outcome import contenders, is_tied, rows_of, under_first, value_of

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison

_MORE = {
    "Scores of predicted genres, in points out of 100, with 95 % intervals": {
        "balanced_accuracy": "Balanced accuracy",
        "macro_precision": "Macro precision",
        "macro_recall": "Macro recall",
        "matthews_correlation": "Matthews correlation",
        "hierarchical_f1": "Hierarchical F1",
    },
    "Scores of the order of genres, in points out of 100, with 95 % intervals": {
        "top_2_accuracy": "Top-2 accuracy",
        "top_3_accuracy": "Top-3 accuracy",
        "roc_auc": "ROC AUC",
        "aurc": "AURC",
    },
    "Scores of probabilities, with 95 % intervals; log loss in nats, Brier score from 0 to 2, others in points": {
        "log_loss": "Log loss",
        "brier_score": "Brier score",
        "calibration_error": "Calibration error",
    },
}
_RAW = ("log_loss", "brier_score")
_FIRST = ("command", "table", "protocols", "seed", "models", "features")


def ranking(comparison: Comparison) -> Section:
    """The models under the first protocol: forest plot and table; other protocols folded below."""
    protocols = list(dict.fromkeys(comparison.scores["protocol"].astype(str)))
    others = [
        Section(f"ranking-{index}", f"Under {protocol_title(name)}", tables=[_ranking(comparison, name)], folded=True)
        for index, name in enumerate(protocols[1:], start=1)
    ]
    return Section(
        "ranking",
        "Ranking",
        lead=f"Under {protocol_title(comparison.protocol)}. Macro-F1 is the unweighted mean of the F1 scores of all"
        " genres.",
        figures=[
            Figure(
                "ranking",
                f"Dots show macro-F1, lines 95 % intervals. Models joined by the bracket are {NOT_WORSE}.",
                lambda width: forest(comparison.ranking, width=width),
            )
        ],
        tables=[_ranking(comparison, comparison.protocol)],
        parts=[*others, *_more_scores(comparison)],
    )


def _ranking(comparison: Comparison, protocol: str) -> Table:
    scores = comparison.scores[comparison.scores["protocol"] == protocol]
    rows = rows_of(scores)
    best = rows[0]["model"]

    def against_best(row: dict[str, Any]) -> Cell:
        if row["model"] == best:
            return Cell("best", -1.0)
        p = value_of(row, "p_value")
        return Cell(p_value(p), p)

    def macro_f1(row: dict[str, Any]) -> Cell:
        leads = row["model"] == best or (is_tied(row) and not is_baseline(row["model"]))
        return replace(columns.scored("macro_f1")(row), strong=leads)

    repeated = "repeats" in scores and bool((scores["repeats"] > 1).any())
    spread = {"SD (repeats)": _spread} if repeated else {}
    caption = "; SD: of the macro-F1 over repeats, their number in brackets" if repeated else ""
    studied = "study_macro_f1" in scores and bool(scores["study_macro_f1"].notna().any())
    return table(
        f"Scores under {protocol_title(protocol)}, in points out of 100, with 95 % intervals; bold: the best macro-F1"
        f" and those {NOT_WORSE}{caption}",
        rows,
        {
            "Model": columns.model(),
            "Macro-F1": macro_f1,
            "Accuracy": columns.scored("accuracy"),
            **spread,
            "p vs best": against_best,
            "Fit": columns.number("fit_seconds", seconds),
            "Predict": columns.number("predict_seconds", seconds),
        }
        | ({"Study": columns.number("study_macro_f1", points)} if studied else {}),
    )


def _spread(row: dict[str, Any]) -> Cell:
    """Standard deviation of the macro-F1 over repeats, and how many there are."""
    deviation = value_of(row, "macro_f1_sd")
    return Cell(f"{points(deviation)} ({value_of(row, 'repeats'):.0f})", deviation)


def _more_scores(comparison: Comparison) -> list[Section]:
    """The scores that the ranking does not show, where there are any."""
    tables = []
    for caption, names in _MORE.items():
        known = {title: name for name, title in names.items() if name in comparison.ranking}
        if known:
            shown = {title: columns.scored(name, _plain if name in _RAW else points) for title, name in known.items()}
            tables.append(table(caption, rows_of(comparison.ranking), {"Model": columns.model(), **shown}))
    return [Section("more-scores", "More scores", tables=tables, folded=True)] if tables else []


def _plain(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "\u2013"


def leakage(comparison: Comparison) -> Section | None:
    """Artist-disjoint folds compared with random ones."""
    if comparison.leak.empty:
        return None
    order = {name: index for index, name in enumerate(comparison.ranking["model"])}
    ordered = contenders(comparison.leak).sort_values("model", key=lambda names: names.map(order), kind="stable")
    return Section(
        "leak",
        "Artist leakage",
        short="Leakage",
        lead="Tracks by the same artist sound alike. A split that puts some of them into the training set and others"
        " into the test set rewards a model for recognising the artist, and overestimates its score on new artists.",
        figures=[
            Figure(
                "leak",
                "The same models with artist-disjoint folds (dots) and with random folds (diamonds). At the right, the"
                " difference with its 95 % interval.",
                lambda width: leak_chart(ordered, width=width),
            )
        ],
    )


def fit_time(comparison: Comparison) -> Section | None:
    """Score against fit time."""
    ranked = contenders(comparison.ranking)
    if "fit_seconds" not in ranked or (ranked["fit_seconds"] > 0).sum() < 2:
        return None
    return Section(
        "cost",
        "Score against fit time",
        short="Fit time",
        figures=[
            Figure(
                "cost",
                "Macro-F1 with 95 % intervals against total fit time. The dotted line joins the models that no faster"
                " model beats.",
                lambda width: cost_chart(ranked, width=width),
            )
        ],
    )


def tests(comparison: Comparison) -> Section | None:
    """The paired tests behind the ranking."""
    rows = rows_of(under_first(comparison, comparison.tests))
    if not rows:
        return None
    shown = {
        "Model": columns.model(),
        "Best model": columns.model("best"),
        "Test": columns.text("test"),
        "Statistic": columns.number("statistic", "{:.4g}".format),
        "p": columns.number("p_value", p_value),
        "p, corrected": columns.number("p_holm", p_value),
    }
    paired = table("Each model against the best, on the same tracks", rows, shown)
    return Section("tests", "Paired tests", short="Tests", tables=[paired], folded=True)


def origin(comparison: Comparison) -> Section | None:
    """Everything that is known of the run, the command first."""
    run = {key: value for key, value in comparison.run.items() if key != "notes" and value not in (None, "", [], {})}
    names = [key for key in _FIRST if key in run] + sorted(set(run) - set(_FIRST))
    facts = [(key.replace("_", " "), _fact(key, run[key])) for key in names]
    return Section("origin", "How this report was made", short="Origin", facts=facts) if facts else None


def _fact(key: str, value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if key == "seconds" and isinstance(value, int | float):
        return seconds(float(value))
    if key == "protocols" and isinstance(value, list | tuple):
        return "; ".join(f"{name} ({protocol_title(str(name))})" for name in value)
    return flat(value)
