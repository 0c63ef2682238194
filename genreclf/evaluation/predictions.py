"""Predictions: what every model predicted under one protocol, gathered from all folds, and the tables made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.probability_scores import score_probabilities
from genreclf.evaluation.scores import confusion_counts, drawn_confusions, macro_f1, score, score_genres
from genreclf.evaluation.significance import TestResult, corrected_resampled_t, holm, mcnemar, paired_bootstrap
from genreclf.models import MODELS, is_baseline

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.bootstrap import Bootstrap
    from genreclf.evaluation.fitting import Data, Fit, Fitted
    from genreclf.evaluation.protocols import Plan
    from genreclf.progress import Progress

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Predictions:
    """What every model predicted under one protocol.

    Parameters
    ----------
    plan : the protocol and its folds.
    genres : names of the genres, by code.
    rows : (tested,), the rows that were tested, in ascending order.
    fold : (tested,), the fold that tested them, from 1.
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

    def macro_f1(self, y_pred: np.ndarray) -> float:
        """Macro-F1 of some predictions."""
        return float(macro_f1(confusion_counts(self.y, y_pred, len(self.genres))))

    def drawn_macro_f1(self, y_pred: np.ndarray) -> np.ndarray:
        """(draws,), macro-F1 of some predictions on each draw."""
        return macro_f1(drawn_confusions(self.bootstrap, self.y, y_pred, len(self.genres)))

    def ranked(self) -> list[str]:
        """The models, best macro-F1 first, baselines last."""
        return sorted(self.y_pred, key=lambda name: (is_baseline(name), -self.macro_f1(self.y_pred[name])))


def gather(
    plan: Plan, genres: tuple[str, ...], data: Data, outcomes: Sequence[tuple[Fit, Fitted]], bootstrap: Bootstrap
) -> Predictions:
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
    y_pred = {model: np.zeros(len(rows), dtype=np.intp) for model in models}
    silent = {fit.model for fit, fitted in outcomes if fitted.probabilities is None}
    probabilities = {model: np.zeros((len(rows), len(genres))) for model in models if model not in silent}
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
    """Rows of the frame ``scores`` for one protocol, best first."""
    corrected = {row["model"]: row["p_holm"] for row in tests if row["test"] == "paired bootstrap"}
    rows = []
    for model in predictions.ranked():
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
    """Rows of the frame ``genre_scores`` for one protocol."""
    return [
        {"protocol": predictions.protocol, "model": model} | row
        for model in predictions.ranked()
        for row in score_genres(predictions.y, predictions.y_pred[model], predictions.genres, predictions.bootstrap)
    ]


def test_rows(predictions: Predictions) -> list[dict[str, Any]]:
    """Rows of the frame ``tests``: each model against the best, Holm-corrected for each kind of test."""
    best, *others = predictions.ranked()
    if not others:
        return []
    drawn_best = predictions.drawn_macro_f1(predictions.y_pred[best])
    results = [_tests(predictions, best, other, drawn_best) for other in others]
    rows = []
    for kind in range(len(results[0])):
        corrected = holm(np.array([result[kind].p_value for result in results]))
        for other, result, p_holm in zip(others, results, corrected, strict=True):
            row: dict[str, Any] = {"protocol": predictions.protocol, "model": other, "best": best}
            found = result[kind]
            row |= {"test": found.test, "statistic": found.statistic, "p_value": found.p_value}
            rows.append(row | {"p_holm": float(p_holm)})
    return rows


test_rows.__test__ = False  # type: ignore[attr-defined]


def _tests(predictions: Predictions, best: str, other: str, drawn_best: np.ndarray) -> list[TestResult]:
    """The paired tests of two models: over the draws, and over the folds or the one test set."""
    best_pred, other_pred = predictions.y_pred[best], predictions.y_pred[other]
    difference = predictions.macro_f1(best_pred) - predictions.macro_f1(other_pred)
    found = [paired_bootstrap(difference, drawn_best - predictions.drawn_macro_f1(other_pred))]
    folds = predictions.plan.folds
    if len(folds) == 1:
        return [*found, mcnemar(best_pred == predictions.y, other_pred == predictions.y)]
    genres = len(predictions.genres)
    by_fold = []
    for number in range(1, len(folds) + 1):
        here = predictions.fold == number
        one, two = (
            float(macro_f1(confusion_counts(predictions.y[here], these[here], genres)))
            for these in (best_pred, other_pred)
        )
        by_fold.append(one - two)
    train = float(np.mean([len(fold.train) for fold in folds]))
    test = float(np.mean([len(fold.test) for fold in folds]))
    return [*found, corrected_resampled_t(np.array(by_fold), train=train, test=test)]


def prediction_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, genre``, then what each model predicted, fold by fold."""
    import pandas as pd

    names = np.array(predictions.genres, dtype=object)
    order = np.argsort(predictions.fold, kind="stable")
    columns = {
        "protocol": np.full(len(order), predictions.protocol, dtype=object),
        "fold": predictions.fold[order],
        "track_id": ids[predictions.rows][order],
        "genre": names[predictions.y][order],
    }
    return pd.DataFrame(columns | {model: names[y_pred][order] for model, y_pred in predictions.y_pred.items()})


def probability_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, model``, then a column for each genre."""
    import pandas as pd

    order = np.argsort(predictions.fold, kind="stable")
    frames = []
    for model, given in predictions.probabilities.items():
        identity = {
            "protocol": predictions.protocol,
            "fold": predictions.fold[order],
            "track_id": ids[predictions.rows][order],
            "model": model,
        }
        shares = pd.DataFrame(np.round(given[order], 6), columns=list(predictions.genres))
        frames.append(pd.concat([pd.DataFrame(identity), shares], axis=1))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
