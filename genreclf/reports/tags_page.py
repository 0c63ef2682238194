"""The report of a comparison of taggers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf import __version__
from genreclf.evaluation.protocols import title as protocol_title
from genreclf.models.taggers import is_reference, title_of
from genreclf.pages.blocks import Cell, Figure, Finding, Page, Section, Table, table
from genreclf.pages.page import write_pages
from genreclf.pages.wording import count, listed, p_value, points, seconds, with_interval
from genreclf.reports import columns
from genreclf.reports.charts.strip import best_and_others
from genreclf.reports.outcome import is_tied, rows_of, score_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genreclf.evaluation.multilabel.comparison import TagComparison

_MOST_PAIRS = 20
_AXIS = "ROC AUC, points out of 100"
_SCORES = {
    "Average precision": "macro_average_precision",
    "Macro-F1": "macro_f1",
    "Micro-F1": "micro_f1",
    "LRAP": "lrap",
    "P@1": "precision_at_1",
    "P@3": "precision_at_3",
}


def write_tag_report(comparison: TagComparison, folder: Path | str) -> None:
    """Write the tables of a comparison, ``report.html``, ``report.md`` and ``pictures/*.svg`` into a folder.

    Raises
    ------
    RequestError : the folder cannot be written to, or holds files that are not ours.
    """
    comparison.write(folder)
    write_pages(tags_page(comparison), Path(folder) / "report.html")


def tags_page(comparison: TagComparison) -> Page:
    """The report as a page."""
    known = comparison.run["table"]
    facts = [count(known["rows"], "track"), count(len(known["tags"]), "tag")]
    facts += [count(known["artists"], "artist")] if known["artists"] else []
    contenders = [model for model in comparison.scores["model"] if not is_reference(model)]
    return Page(
        kicker="genreclf report",
        title=f"Taggers compared on {known['name']}",
        facts=[*facts, count(len(contenders), "model")],
        sections=list(_sections(comparison)),
        findings=tag_findings(comparison),
        notes=comparison.notes,
        version=__version__,
    )


def tag_findings(comparison: TagComparison) -> list[Finding]:
    """What the numbers show, a sentence each."""
    rows = rows_of(comparison.scores)
    best, others = rows[0], rows[1:]
    title = title_of(best["model"])
    found = [
        Finding(
            "Best model",
            f"{title} has the highest macro ROC AUC, {with_interval(*score_of(best, 'macro_roc_auc'))} points out of "
            f"100, and a macro average precision of {with_interval(*score_of(best, 'macro_average_precision'))}.",
        )
    ]
    tied = [title_of(row["model"]) for row in others if is_tied(row)]
    if tied:
        found.append(Finding("Not worse", f"{listed(tied)}: not significantly worse than the best."))
    beside = [row for row in others if is_reference(row["model"])]
    if beside:
        shown = listed(f"{title_of(row['model']).lower()} {points(row['macro_roc_auc'])}" for row in beside)
        found.append(Finding("References", f"Macro ROC AUC of the references: {shown}."))
    tags = comparison.tag_scores[comparison.tag_scores["model"] == best["model"]].sort_values("roc_auc")
    if len(tags) > 1:
        hardest, easiest = rows_of(tags)[0], rows_of(tags)[-1]
        easy, hard = (f"{row['tag']!r} ({points(row['roc_auc'])})" for row in (easiest, hardest))
        found.append(Finding("Tags", f"{title} finds {easy} best, and {hard} worst."))
    return found


def _sections(comparison: TagComparison) -> Iterator[Section]:
    yield _ranking(comparison)
    yield _tags(comparison)
    yield _pairs(comparison)
    yield _errors(comparison)
    if len(comparison.retrieval):
        yield _retrieval(comparison)
    yield _tests(comparison)
    yield _origin(comparison)


def _ranking(comparison: TagComparison) -> Section:
    scores = comparison.scores.assign(title=comparison.scores["model"].map(title_of), model="macro ROC AUC")
    _, draw = best_and_others(
        scores, ["macro ROC AUC"], by="title", value="macro_roc_auc", title="Macro ROC AUC of each model", axis=_AXIS
    )
    rows = rows_of(comparison.scores)

    def against_best(row: Mapping[str, Any]) -> Cell:
        p = value_of(row, "p_value")
        if row["model"] == comparison.best:
            return Cell("best", -1.0)
        return Cell(f"{p_value(p)} n.s." if is_tied(row) and not is_reference(row["model"]) else p_value(p), p)

    shown = {
        "Model": lambda row: Cell(title_of(row["model"]), strong=row["model"] == comparison.best),
        "ROC AUC": columns.number("macro_roc_auc"),
        "95 % interval": columns.ends("macro_roc_auc"),
        "Average precision": columns.number("macro_average_precision"),
        "Its 95 % interval": columns.ends("macro_average_precision"),
        "p vs best": against_best,
        "Fit": columns.number("fit_seconds", seconds),
        "Predict": columns.number("predict_seconds", seconds),
    }
    more: dict[str, columns.Column] = {"Model": lambda row: Cell(title_of(row["model"]))}
    for name, column in _SCORES.items():
        if column in comparison.scores:
            more |= {name: columns.number(column), f"{name}, 95 % interval": columns.ends(column)}
    return Section(
        "ranking",
        "Ranking",
        lead=f"Under {protocol_title(comparison.protocol)}. Scores are means over the tags; ROC AUC compares tracks of "
        "one fold only. The references at the end stand beside every comparison: the most similar training tracks, "
        "the genre alone where it is known, and the share of each tag.",
        figures=[Figure("ranking", "Macro ROC AUC with 95 % intervals over artists; 50 is chance.", draw)],
        tables=[table("Macro scores, in points out of 100; n.s.: not significantly worse than the best", rows, shown)],
        parts=[
            Section(
                "more-scores",
                "More scores",
                lead="F1 is at the thresholds, which are chosen inside the training part. LRAP is the label-ranking "
                "average precision, P@k the share of the k most probable tags that are right.",
                tables=[table("Other scores, in points out of 100", rows, more)],
                folded=True,
            )
        ],
    )


def _tags(comparison: TagComparison) -> Section:
    titled = comparison.tag_scores.assign(model=comparison.tag_scores["model"].map(title_of))
    names = [title_of(name) for name in comparison.scores["model"]]
    caption, draw = best_and_others(titled, names, by="tag", value="roc_auc", title="ROC AUC by tag", axis=_AXIS)
    best = comparison.tag_scores[comparison.tag_scores["model"] == comparison.best]
    return Section(
        "tags",
        "Scores by tag",
        short="Tags",
        figures=[Figure("tags", f"ROC AUC by tag, highest first: {caption}", draw)],
        tables=[_tag_table(comparison.best, rows_of(best.sort_values("roc_auc", ascending=False, kind="stable")))],
    )


def _tag_table(model: str, rows: list[dict[str, Any]]) -> Table:
    return table(
        f"{title_of(model)}: scores of each tag, in points out of 100; precision and recall are at the threshold",
        rows,
        {
            "Tag": columns.text("tag"),
            "Tracks": columns.tracks("support"),
            "Artists": columns.tracks("artists"),
            "ROC AUC": columns.number("roc_auc"),
            "95 % interval": columns.ends("roc_auc"),
            "Average precision": columns.number("average_precision"),
            "Its 95 % interval": columns.ends("average_precision"),
            "Share": columns.number("share"),
            "F1": columns.number("f1"),
            "Precision": columns.number("precision"),
            "Recall": columns.number("recall"),
            "Threshold": columns.number("threshold"),
        },
    )


def _pairs(comparison: TagComparison) -> Section:
    def largest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted((row for row in rows if row["tracks"]), key=lambda row: -row["share"])[:_MOST_PAIRS]

    together, wrong = (largest(rows_of(frame)) for frame in (comparison.cooccurrence, comparison.confusion))
    pair = {"Tag": columns.text("tag"), "Other tag": columns.text("other"), "Tracks": columns.tracks("tracks")}
    return Section(
        "pairs",
        "Tags that go together, and tags that are confused",
        short="Pairs",
        tables=[
            table(
                "Tracks that have both, and their share of those that have the first tag",
                together,
                pair | {"Share": columns.number("share")},
            ),
            table(
                f"{title_of(comparison.best)}: tracks of the first tag without the other that were given the other",
                wrong,
                pair | {"Share": columns.number("share")},
            ),
        ],
        lead=f"The {_MOST_PAIRS} pairs of the largest shares; all are in cooccurrence.csv and confusion.csv.",
    )


def _errors(comparison: TagComparison) -> Section:
    def name(row: Mapping[str, Any]) -> Cell:
        texts = [str(row[part]) for part in ("artist", "title") if row.get(part)]
        return Cell(" \u2013 ".join(texts) or str(row["track_id"]), note=str(row["track_id"]) if texts else "")

    def tags(column: str) -> columns.Column:
        return lambda row: Cell(str(row[column]).replace("|", ", "))

    return Section(
        "errors",
        "Most wrongly tagged tracks",
        short="Errors",
        lead=f"Those with the largest mean log loss of {title_of(comparison.best)} over the tags, with the probability "
        "of each tag that it missed or added. Check the tags first.",
        tables=[
            table(
                "Tracks, worst first",
                rows_of(comparison.errors),
                {
                    "Track": name,
                    "Tags": tags("tags"),
                    "Missed": tags("missed"),
                    "Added": tags("added"),
                    "Log loss": columns.number("log_loss", "{:.2f}".format),
                },
            )
        ],
    )


def _retrieval(comparison: TagComparison) -> Section:
    return Section(
        "retrieval",
        "Similar tracks",
        short="Similar",
        lead="For the ten tracks most similar to a given one, by other artists: the share of tags in common, that sum "
        "discounted by rank over the largest possible one (nDCG), and the share with any track.",
        tables=[
            table(
                "Retrieval by shared tags, in points out of 100",
                rows_of(comparison.retrieval),
                {
                    "Space": columns.text("method"),
                    "Tracks": columns.tracks("tracks"),
                    "Shared tags at 10": columns.number("shared_at_10"),
                    "nDCG at 10": columns.number("ndcg_at_10"),
                    "Any track": columns.number("chance"),
                },
            )
        ],
        folded=True,
    )


def _tests(comparison: TagComparison) -> Section:
    return Section(
        "tests",
        "Tests",
        tables=[
            table(
                f"By how many points of macro ROC AUC {title_of(comparison.best)} is ahead, on the same tracks",
                rows_of(comparison.tests),
                {
                    "Model": lambda row: Cell(title_of(row["model"])),
                    "Difference": columns.number("difference", columns.signed),
                    "95 % interval": columns.ends("difference", columns.signed),
                    "p": columns.number("p_value", p_value),
                    "p, Holm": columns.number("p_holm", p_value),
                },
            )
        ],
        folded=True,
    )


def _origin(comparison: TagComparison) -> Section:
    run = comparison.run
    facts = {
        "command": run["command"],
        "protocol": f"{comparison.protocol}, {count(len(set(comparison.predictions['fold'])), 'fold')}",
        "seed": run["seed"],
        "least tracks and artists of a tag": f"{run['parameters']['min_tracks']}, {run['parameters']['min_artists']}",
        "table digest": run["table"]["digest"],
        "versions": ", ".join(f"{name} {version}" for name, version in run["versions"].items()),
        "seconds": run["seconds"],
    }
    shown = [(name, str(value)) for name, value in facts.items() if value not in (None, "")]
    return Section("origin", "How the comparison was made", short="Origin", facts=shown)
