"""Answers: what the models said under one protocol, gathered from all folds, and the frames made of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.probability_scores import score_probabilities
from genreclf.evaluation.scores import confusion_counts, drawn_confusions, macro_f1, score, score_genres
from genreclf.evaluation.significance import TestResult, corrected_resampled_t, holm, mcnemar, paired_bootstrap
from genreclf.models import spec

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.bootstrap import Bootstrap
    from genreclf.evaluation.fitting import Data, Fit, Fitted
    from genreclf.evaluation.protocols import Plan
    from genreclf.progress import Progress

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Answers:
    """What every model said under one protocol.

    Parameters
    ----------
    plan : the protocol and its folds.
    genres : names of the genres, by code.
    rows : (tested,), the rows that were tested, in ascending order.
    fold : (tested,), the fold that tested them, from 1.
    y : (tested,), true genre codes.
    said : for each model (tested,), genre codes.
    probabilities : for each model that has them (tested, genres).
    fit_seconds, predict_seconds : for each model, over all folds.
    bootstrap : draws of the tested tracks' groups.
    """

    plan: Plan
    genres: tuple[str, ...]
    rows: np.ndarray
    fold: np.ndarray
    y: np.ndarray
    said: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray]
    fit_seconds: dict[str, float]
    predict_seconds: dict[str, float]
    bootstrap: Bootstrap

    @property
    def protocol(self) -> str:
        """The protocol's name."""
        return self.plan.protocol

    def macro_f1(self, said: np.ndarray) -> float:
        """Macro-F1 of some answers."""
        return float(macro_f1(confusion_counts(self.y, said, len(self.genres))))

    def drawn_macro_f1(self, said: np.ndarray) -> np.ndarray:
        """(draws,), macro-F1 of some answers on each draw."""
        return macro_f1(drawn_confusions(self.bootstrap, self.y, said, len(self.genres)))

    def ranked(self) -> list[str]:
        """The models, best macro-F1 first, baselines last."""
        return sorted(self.said, key=lambda name: (spec(name).baseline, -self.macro_f1(self.said[name])))


def gather(
    plan: Plan, genres: tuple[str, ...], data: Data, outcomes: Sequence[tuple[Fit, Fitted]], bootstrap: Bootstrap
) -> Answers:
    """Put the outcomes of a protocol's folds together.

    Parameters
    ----------
    outcomes : fits of this protocol and what came of them.
    bootstrap : draws over the groups of ``plan.tested``.
    """
    rows = plan.tested
    fold = np.zeros(len(rows), dtype=int)
    for number, part in enumerate(plan.folds, start=1):
        fold[np.searchsorted(rows, part.test)] = number
    models = list(dict.fromkeys(fit.model for fit, _ in outcomes))
    said = {model: np.zeros(len(rows), dtype=np.intp) for model in models}
    silent = {fit.model for fit, fitted in outcomes if fitted.probabilities is None}
    probabilities = {model: np.zeros((len(rows), len(genres))) for model in models if model not in silent}
    fit_seconds = dict.fromkeys(models, 0.0)
    predict_seconds = dict.fromkeys(models, 0.0)
    for fit, fitted in outcomes:
        places = np.searchsorted(rows, fit.fold.test)
        said[fit.model][places] = fitted.said
        if fit.model in probabilities:
            probabilities[fit.model][places] = fitted.probabilities
        fit_seconds[fit.model] += fitted.fit_seconds
        predict_seconds[fit.model] += fitted.predict_seconds
    return Answers(plan, genres, rows, fold, data.y[rows], said, probabilities, fit_seconds, predict_seconds, bootstrap)


def score_rows(answers: Answers, tests: Sequence[dict[str, Any]], progress: Progress) -> list[dict[str, Any]]:
    """Rows of the frame ``scores`` for one protocol, best first."""
    corrected = {row["model"]: row["p_holm"] for row in tests if row["test"] == "paired bootstrap"}
    rows = []
    for model in answers.ranked():
        said = answers.said[model]
        row: dict[str, Any] = {"protocol": answers.protocol, "model": model}
        row |= score(answers.y, said, len(answers.genres), answers.bootstrap)
        row["p_value"] = corrected.get(model, float("nan"))
        row["tied_with_best"] = corrected.get(model, 0.0) >= LEVEL
        row["fit_seconds"] = round(answers.fit_seconds[model], 4)
        row["predict_seconds"] = round(answers.predict_seconds[model], 4)
        if model in answers.probabilities:
            row |= score_probabilities(answers.y, answers.probabilities[model], answers.bootstrap)
        study = spec(model).study_macro_f1
        if answers.protocol == "study":
            row["study_macro_f1"] = float("nan") if study is None else study.tuned
        rows.append(row)
        progress.advance(f"{model}, {answers.protocol}")
    return rows


def genre_rows(answers: Answers) -> list[dict[str, Any]]:
    """Rows of the frame ``genre_scores`` for one protocol."""
    return [
        {"protocol": answers.protocol, "model": model} | row
        for model in answers.ranked()
        for row in score_genres(answers.y, answers.said[model], answers.genres, answers.bootstrap)
    ]


def test_rows(answers: Answers) -> list[dict[str, Any]]:
    """Rows of the frame ``tests``: each model against the best, Holm-corrected for each kind of test."""
    best, *others = answers.ranked()
    if not others:
        return []
    drawn_best = answers.drawn_macro_f1(answers.said[best])
    results = [_tests(answers, best, other, drawn_best) for other in others]
    rows = []
    for kind in range(len(results[0])):
        corrected = holm(np.array([result[kind].p_value for result in results]))
        for other, result, p_holm in zip(others, results, corrected, strict=True):
            row: dict[str, Any] = {"protocol": answers.protocol, "model": other, "best": best}
            found = result[kind]
            row |= {"test": found.test, "statistic": found.statistic, "p_value": found.p_value}
            rows.append(row | {"p_holm": float(p_holm)})
    return rows


test_rows.__test__ = False  # type: ignore[attr-defined]


def _tests(answers: Answers, best: str, other: str, drawn_best: np.ndarray) -> list[TestResult]:
    """The paired tests of two models: over the draws, and over the folds or the one test set."""
    said_best, said = answers.said[best], answers.said[other]
    difference = answers.macro_f1(said_best) - answers.macro_f1(said)
    found = [paired_bootstrap(difference, drawn_best - answers.drawn_macro_f1(said))]
    folds = answers.plan.folds
    if len(folds) == 1:
        return [*found, mcnemar(said_best == answers.y, said == answers.y)]
    genres = len(answers.genres)
    by_fold = []
    for number in range(1, len(folds) + 1):
        here = answers.fold == number
        one, two = (
            float(macro_f1(confusion_counts(answers.y[here], answer[here], genres))) for answer in (said_best, said)
        )
        by_fold.append(one - two)
    train = float(np.mean([len(fold.train) for fold in folds]))
    test = float(np.mean([len(fold.test) for fold in folds]))
    return [*found, corrected_resampled_t(np.array(by_fold), train=train, test=test)]


def prediction_frame(answers: Answers, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, genre``, then what each model said, fold by fold."""
    import pandas as pd

    names = np.array(answers.genres, dtype=object)
    order = np.argsort(answers.fold, kind="stable")
    columns = {
        "protocol": np.full(len(order), answers.protocol, dtype=object),
        "fold": answers.fold[order],
        "track_id": ids[answers.rows][order],
        "genre": names[answers.y][order],
    }
    return pd.DataFrame(columns | {model: names[said][order] for model, said in answers.said.items()})


def probability_frame(answers: Answers, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, model``, then a column for each genre."""
    import pandas as pd

    order = np.argsort(answers.fold, kind="stable")
    frames = []
    for model, given in answers.probabilities.items():
        identity = {
            "protocol": answers.protocol,
            "fold": answers.fold[order],
            "track_id": ids[answers.rows][order],
            "model": model,
        }
        shares = pd.DataFrame(np.round(given[order], 6), columns=list(answers.genres))
        frames.append(pd.concat([pd.DataFrame(identity), shares], axis=1))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
