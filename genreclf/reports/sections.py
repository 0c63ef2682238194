"""The sections of a comparison report; one whose numbers are not there is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genreclf.reports.blocks import Cell, Column, Section, Table, figure
from genreclf.reports.charts.confusion import confusion_matrix
from genreclf.reports.charts.forest import forest
from genreclf.reports.charts.genres import genre_scores
from genreclf.reports.outcome import (
    confusion_of,
    hardest_tracks,
    is_tied,
    model_columns,
    rows_of,
    track_paths,
    value_of,
)
from genreclf.reports.wording import (
    BASELINES,
    count,
    interval,
    model_title,
    p_value,
    points,
    protocol_title,
    seconds,
)

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


def sections(comparison: Comparison) -> list[Section]:
    """Everything that a comparison has numbers for, in the order of the report."""
    candidates = (
        ranking(comparison),
        genres(comparison),
        models(comparison),
        hardest(comparison),
    )
    return [section for section in candidates if section is not None]


def ranking(comparison: Comparison) -> Section:
    """The models under the first protocol: forest plot and table; other protocols folded below."""
    protocols = list(dict.fromkeys(comparison.scores["protocol"].astype(str)))
    others = [
        Section(
            f"ranking-{index}", f"Under {protocol_title(name)}", tables=(_ranking_table(comparison, name),), folded=True
        )
        for index, name in enumerate(protocols[1:], start=1)
    ]
    return Section(
        "ranking",
        "Ranking",
        lead=f"Under {protocol_title(comparison.protocol)}. Macro-F1 is the mean of the genres' F1, each genre weighing"
        " the same.",
        figures=(
            figure(
                "ranking",
                "Dots are macro-F1, lines 95 % intervals. Models on the bracket can't be told apart from the best.",
                lambda width: forest(comparison.ranking, width=width),
            ),
        ),
        tables=(_ranking_table(comparison, comparison.protocol),),
        parts=others,
    )


def _ranking_table(comparison: Comparison, protocol: str) -> Table:
    scores = comparison.scores[comparison.scores["protocol"] == protocol]
    columns = [Column("Model", numeric=False), Column("Macro-F1"), Column("95 % interval"), Column("Accuracy")]
    columns += [Column("p against the best"), Column("Fit"), Column("Predict")]
    rows = []
    for index, row in enumerate(rows_of(scores)):
        low, high = value_of(row, "macro_f1_low"), value_of(row, "macro_f1_high")
        name = str(row["model"])
        p = value_of(row, "p_value")
        verdict = p_value(p)
        if name not in BASELINES and index and is_tied(row):
            verdict = f"{verdict} tied".strip()
        rows.append(
            [
                Cell(model_title(name), model_title(name), strong=index == 0),
                _score(row, "macro_f1"),
                Cell(interval(low, high), low),
                _score(row, "accuracy"),
                Cell("best" if index == 0 else verdict, -1.0 if index == 0 else p),
                _time(row, "fit_seconds"),
                _time(row, "predict_seconds"),
            ]
        )
    return Table(f"Scores under {protocol_title(protocol)}, points out of 100", columns, rows)


def _score(row: dict[str, Any], name: str) -> Cell:
    value = value_of(row, name)
    return Cell(points(value), value)


def _time(row: dict[str, Any], name: str) -> Cell:
    value = value_of(row, name)
    return Cell(seconds(value), value)


def genres(comparison: Comparison) -> Section | None:
    """F1 of each genre, the best model first."""
    scores = _under_first(comparison, comparison.genre_scores)
    names = [name for name in model_columns(comparison) if scores is not None and (scores["model"] == name).any()]
    if scores is None or not names:
        return None
    return Section(
        "genres",
        "Genre by genre",
        figures=(
            figure(
                "genres",
                f"F1 of each genre, easiest first: {model_title(names[0])} with its 95 % interval"
                + (", the other models as small dots." if names[1:] else "."),
                lambda width: genre_scores(scores, names, width=width),
            ),
        ),
    )


def _under_first(comparison: Comparison, frame: pd.DataFrame) -> pd.DataFrame | None:
    if frame.empty:
        return None
    chosen = frame[frame["protocol"] == comparison.protocol] if "protocol" in frame else frame
    return None if chosen.empty else chosen.reset_index(drop=True)


def models(comparison: Comparison) -> Section | None:
    """For each model: confusion matrix and a line a genre."""
    names = model_columns(comparison)
    parts = [_model(comparison, name, index) for index, name in enumerate(names)]
    if not parts:
        return None
    return Section(
        "models",
        "Model by model",
        lead="Rows of a confusion matrix are what tracks are, columns what the model said. The large number and the"
        " colour are the share of the row in percent, the small number counts tracks; blue is right, orange is wrong.",
        parts=parts,
    )


def _model(comparison: Comparison, name: str, index: int) -> Section:
    title = model_title(name)
    confusion = confusion_of(comparison, name)
    figures = [
        figure(
            f"confusion-{index + 1}",
            f"{title}: what tracks of each genre were said to be.",
            lambda width: confusion_matrix(confusion, model=title, width=min(width, 560)),
            narrow=True,
        )
    ]
    scores = _under_first(comparison, comparison.genre_scores)
    tables = () if scores is None else (_genre_table(scores[scores["model"] == name], title),)
    return Section(f"model-{index + 1}", title, figures=figures, tables=tables, folded=index > 0)


def _genre_table(scores: pd.DataFrame, title: str) -> Table:
    columns = [Column("Genre", numeric=False), Column("Tracks"), Column("Precision"), Column("Recall")]
    columns += [Column("F1"), Column("95 % interval")]
    rows = [
        [
            Cell(str(row["genre"]), str(row["genre"])),
            Cell(f"{value_of(row, 'support'):,.0f}", value_of(row, "support")),
            _score(row, "precision"),
            _score(row, "recall"),
            _score(row, "f1"),
            Cell(interval(value_of(row, "f1_low"), value_of(row, "f1_high")), value_of(row, "f1_low")),
        ]
        for row in rows_of(scores)
    ]
    return Table(f"{title}, a line a genre, points out of 100", columns, rows)


def hardest(comparison: Comparison) -> Section | None:
    """The tracks that most models got wrong, with what each said."""
    tracks, total = hardest_tracks(comparison)
    if not tracks:
        return None
    names, paths = model_columns(comparison), track_paths(comparison)
    columns = [Column("Track", numeric=False), Column("Genre", numeric=False), Column("Wrong")]
    columns += [Column(model_title(name), numeric=False) for name in names]
    if any(paths.get(track.track_id) for track in tracks):
        columns.append(Column("Path", numeric=False))
    rows = []
    for track in tracks:
        row = [Cell(track.name, track.name), Cell(track.genre, track.genre), Cell(str(track.wrong), track.wrong)]
        row += [Cell(answer, answer, strong=answer == track.genre) for answer in track.answers]
        path = paths.get(track.track_id, "")
        rows.append(row + [Cell(path, path)] * (len(columns) - len(row)))
    shown = f"the {len(tracks)} hardest are shown" if total > len(tracks) else "all are shown"
    everyone = sum(track.wrong == len(names) for track in tracks)
    return Section(
        "hardest",
        "Hardest tracks",
        lead=f"More than half of the models got {count(total, 'track')} wrong; {shown}"
        + (f", {everyone} of them wrong with every model" if everyone and len(names) > 1 else "")
        + ". Where all agree on another genre, look at the label first.",
        tables=(Table("Tracks that most models got wrong; right answers are bold", columns, rows),),
    )
