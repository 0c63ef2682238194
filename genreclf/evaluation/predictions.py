"""Predictions: what every model predicted under one protocol, gathered from all folds, and the tables made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.bootstrap import LEVEL
from genreclf.evaluation.probability_scores import score_probabilities
from genreclf.evaluation.scores import confusion_counts, macro_f1, macro_f1_estimate, score, score_genres
from genreclf.evaluation.significance import TestResult, corrected_resampled_t, holm, mcnemar, paired_bootstrap
from genreclf.models import MODELS, is_baseline

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.bootstrap import Bootstrap, Estimate
    from genreclf.evaluation.fitting import Data, Fit, Fitted
    from genreclf.evaluation.plans import Plan
    from genreclf.progress import Progress


@dataclass(frozen=True, eq=False)
class Predictions:
    """What every model predicted under one protocol.

    Parameters
    ----------
    plan : the protocol and its folds.
    genres : names of the genres, by code.
    rows : (tested,), the tested rows of the table, in ascending order.
    fold : (tested,), the fold that tested each, from 1.
    y : (tested,), true genre codes.
    y_pred : for each model (tested,), predicted genre codes.
    probabilities : for each model that has them (tested, genres).
    fit_seconds, predict_seconds : for each model, over all folds.
    bootstrap : draws of the tested tracks' groups.
    """

    plan: Plan
    genres: tuple[str, ...]
    rows: np.ndarray
    fold: np.ndarray
    y: np.ndarray
    y_pred: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray]
    fit_seconds: dict[str, float]
    predict_seconds: dict[str, float]
    bootstrap: Bootstrap

    @property
    def protocol(self) -> str:
        """The protocol's name."""
        return self.plan.protocol

    @cached_property
    def macro_f1(self) -> dict[str, Estimate]:
        """Macro-F1 of each model."""
        return {
            model: macro_f1_estimate(self.y, y_pred, len(self.genres), self.bootstrap)
            for model, y_pred in self.y_pred.items()
        }

    @cached_property
    def ranked(self) -> list[str]:
        """The models, best macro-F1 first, baselines last."""
        return sorted(self.y_pred, key=lambda model: (is_baseline(model), -self.macro_f1[model].value))


def gather(
    plan: Plan, genres: tuple[str, ...], data: Data, outcomes: Sequence[tuple[Fit, Fitted]], bootstrap: Bootstrap
) -> Predictions:
    """Put the outcomes of all folds of a plan together.

    Parameters
    ----------
    outcomes : fits of this plan and what came of them.
    bootstrap : draws over the groups of ``plan.tested``.
    """
    rows = plan.tested
    fold = np.zeros(len(rows), dtype=int)
    for number, part in enumerate(plan.folds, start=1):
        fold[np.searchsorted(rows, part.test)] = number
    models = list(dict.fromkeys(fit.model for fit, _ in outcomes))
    y_pred = {model: np.zeros(len(rows), dtype=np.intp) for model in models}
    without = {fit.model for fit, fitted in outcomes if fitted.probabilities is None}
    probabilities = {model: np.zeros((len(rows), len(genres))) for model in models if model not in without}
    fit_seconds = dict.fromkeys(models, 0.0)
    predict_seconds = dict.fromkeys(models, 0.0)
    for fit, fitted in outcomes:
        places = np.searchsorted(rows, fit.fold.test)
        y_pred[fit.model][places] = fitted.y_pred
        if fit.model in probabilities:
            probabilities[fit.model][places] = fitted.probabilities
        fit_seconds[fit.model] += fitted.fit_seconds
        predict_seconds[fit.model] += fitted.predict_seconds
    return Predictions(
        plan, genres, rows, fold, data.y[rows], y_pred, probabilities, fit_seconds, predict_seconds, bootstrap
    )


def score_rows(predictions: Predictions, tests: Sequence[dict[str, Any]], progress: Progress) -> list[dict[str, Any]]:
    """Rows of the table ``scores`` for one protocol, best first."""
    corrected = {row["model"]: row["p_holm"] for row in tests if row["test"] == "paired bootstrap"}
    rows = []
    for model in predictions.ranked:
        y_pred = predictions.y_pred[model]
        row: dict[str, Any] = {"protocol": predictions.protocol, "model": model}
        row |= score(predictions.y, y_pred, len(predictions.genres), predictions.bootstrap)
        row["p_value"] = corrected.get(model, float("nan"))
        row["tied_with_best"] = corrected.get(model, 0.0) >= LEVEL
        row["fit_seconds"] = round(predictions.fit_seconds[model], 4)
        row["predict_seconds"] = round(predictions.predict_seconds[model], 4)
        if model in predictions.probabilities:
            row |= score_probabilities(predictions.y, predictions.probabilities[model], predictions.bootstrap)
        study = MODELS[model].study_macro_f1 if model in MODELS else None
        if predictions.protocol == "study":
            row["study_macro_f1"] = float("nan") if study is None else study.tuned
        rows.append(row)
        progress.advance(f"{model}, {predictions.protocol}")
    return rows


def genre_rows(predictions: Predictions) -> list[dict[str, Any]]:
    """Rows of the table ``genre_scores`` for one protocol."""
    return [
        {"protocol": predictions.protocol, "model": model} | row
        for model in predictions.ranked
        for row in score_genres(predictions.y, predictions.y_pred[model], predictions.genres, predictions.bootstrap)
    ]


def test_rows(predictions: Predictions) -> list[dict[str, Any]]:
    """Rows of the table ``tests``: each model against the best, Holm-corrected for each kind of test."""
    best, *others = predictions.ranked
    rows = []
    for results in zip(*(_tests(predictions, best, other) for other in others), strict=True):
        corrected = holm(np.array([result.p_value for result in results]))
        for other, result, p_holm in zip(others, results, corrected, strict=True):
            pair = {"protocol": predictions.protocol, "model": other, "best": best}
            rows.append(pair | asdict(result) | {"p_holm": float(p_holm)})
    return rows


test_rows.__test__ = False  # type: ignore[attr-defined]


def _tests(predictions: Predictions, best: str, other: str) -> list[TestResult]:
    """The paired tests of two models: over the draws, and over the folds or the single test set."""
    found = [paired_bootstrap(predictions.macro_f1[best] - predictions.macro_f1[other])]
    y, y_pred, folds = predictions.y, predictions.y_pred, predictions.plan.folds
    if len(folds) == 1:
        return [*found, mcnemar(y_pred[best] == y, y_pred[other] == y)]

    def of_fold(model: str, number: int) -> float:
        here = predictions.fold == number
        return float(macro_f1(confusion_counts(y[here], y_pred[model][here], len(predictions.genres))))

    differences = [of_fold(best, number) - of_fold(other, number) for number in range(1, len(folds) + 1)]
    train = float(np.mean([len(fold.train) for fold in folds]))
    test = float(np.mean([len(fold.test) for fold in folds]))
    return [*found, corrected_resampled_t(np.array(differences), train=train, test=test)]


def prediction_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, genre``, then a column with each model's predictions, fold by fold."""
    import pandas as pd

    names, order = np.array(predictions.genres, dtype=object), _by_fold(predictions)
    columns = _identity(predictions, ids) | {"genre": names[predictions.y][order]}
    return pd.DataFrame(columns | {model: names[y_pred][order] for model, y_pred in predictions.y_pred.items()})


def probability_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, model``, then a column for each genre."""
    import pandas as pd

    frames = []
    for model, probabilities in predictions.probabilities.items():
        identity = pd.DataFrame(_identity(predictions, ids) | {"model": model})
        rounded = np.round(probabilities[_by_fold(predictions)], 6)
        frames.append(pd.concat([identity, pd.DataFrame(rounded, columns=list(predictions.genres))], axis=1))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _by_fold(predictions: Predictions) -> np.ndarray:
    return np.argsort(predictions.fold, kind="stable")


def _identity(predictions: Predictions, ids: np.ndarray) -> dict[str, np.ndarray]:
    order = _by_fold(predictions)
    protocol = np.full(len(order), predictions.protocol, dtype=object)
    return {"protocol": protocol, "fold": predictions.fold[order], "track_id": ids[predictions.rows][order]}
