"""Predictions: what every model predicted under one protocol, gathered from all folds, and the tables made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.best_set import BestSet, best_set
from genreclf.evaluation.hierarchy import Hierarchy, hierarchical_f1
from genreclf.evaluation.probability_scores import score_probabilities
from genreclf.evaluation.scores import macro_f1, score, score_genres
from genreclf.evaluation.significance import TestResult, corrected_resampled_t, holm
from genreclf.evaluation.uncertainty import Estimate, Jackknife, count
from genreclf.models import MODELS, is_baseline

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.fitting import Fit, Fitted
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
    fold : (repeats, tested), the fold that tested each, from 1.
    y_pred : for each model (its repeats, tested), predicted genre codes.
    probabilities : for each model that has them (its repeats, tested, genres).
    fit_seconds, predict_seconds : for each model, over all folds of a repeat.
    jackknife : the tested tracks by their groups.
    draws, seed : of the comparison of models.
    """

    plan: Plan
    genres: tuple[str, ...]
    rows: np.ndarray
    fold: np.ndarray
    y_pred: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray]
    fit_seconds: dict[str, float]
    predict_seconds: dict[str, float]
    jackknife: Jackknife
    draws: int
    seed: int

    @property
    def protocol(self) -> str:
        """The protocol's name."""
        return self.plan.protocol

    @property
    def y(self) -> np.ndarray:
        """(tested,), true genre codes."""
        return self.jackknife.y

    @cached_property
    def repeats(self) -> dict[str, list[Estimate]]:
        """Macro-F1 of each model in each of its repeats."""
        return {
            model: [self.jackknife.score(y_pred, macro_f1) for y_pred in repeats]
            for model, repeats in self.y_pred.items()
        }

    @cached_property
    def macro_f1(self) -> dict[str, Estimate]:
        """Macro-F1 of each model, the mean over its repeats."""
        return {model: Estimate.mean(estimates) for model, estimates in self.repeats.items()}

    @cached_property
    def ranked(self) -> list[str]:
        """The models, best macro-F1 first, baselines last."""
        return sorted(self.y_pred, key=lambda model: (is_baseline(model), -self.macro_f1[model].value))

    @cached_property
    def best(self) -> BestSet:
        """Which of the `ranked` models may be the best."""
        return best_set([self.repeats[model] for model in self.ranked], draws=self.draws, seed=self.seed)


def gather(
    plan: Plan,
    genres: tuple[str, ...],
    outcomes: Sequence[tuple[Fit, Fitted]],
    jackknife: Jackknife,
    *,
    draws: int,
    seed: int,
) -> Predictions:
    """Put the outcomes of all folds and repeats of a plan together.

    Parameters
    ----------
    outcomes : fits of this plan and what came of them, for each model all folds of one or more repeats.
    jackknife : over the groups of ``plan.tested``.
    """
    rows = plan.tested
    fold = np.zeros((len(plan.repeats), len(rows)), dtype=int)
    for repeat, parts in enumerate(plan.repeats):
        for number, part in enumerate(parts, start=1):
            fold[repeat, np.searchsorted(rows, part.test)] = number
    by_model: dict[str, list[tuple[Fit, Fitted]]] = {}
    for fit, fitted in outcomes:
        by_model.setdefault(fit.model, []).append((fit, fitted))
    repeats = {model: 1 + max(fit.repeat for fit, _ in found) for model, found in by_model.items()}
    y_pred = {model: np.zeros((number, len(rows)), dtype=np.intp) for model, number in repeats.items()}
    without = {fit.model for fit, fitted in outcomes if fitted.probabilities is None}
    probabilities = {
        model: np.zeros((number, len(rows), len(genres))) for model, number in repeats.items() if model not in without
    }
    for fit, fitted in outcomes:
        places = np.searchsorted(rows, fit.fold.test)
        y_pred[fit.model][fit.repeat, places] = fitted.y_pred
        if fit.model in probabilities:
            probabilities[fit.model][fit.repeat, places] = fitted.probabilities
    fit_seconds, predict_seconds = (
        {model: sum(getattr(fitted, name) for _, fitted in found) / repeats[model] for model, found in by_model.items()}
        for name in ("fit_seconds", "predict_seconds")
    )
    return Predictions(
        plan, genres, rows, fold, y_pred, probabilities, fit_seconds, predict_seconds, jackknife, draws, seed
    )


def score_rows(
    predictions: Predictions, progress: Progress, *, hierarchy: Hierarchy | None = None
) -> list[dict[str, Any]]:
    """Rows of the table ``scores`` for one protocol, best first.

    Parameters
    ----------
    hierarchy : of the genres, for ``hierarchical_f1``; None where no genre has a parent.
    """
    rows = []
    best = zip(predictions.ranked, predictions.best.p_values, predictions.best.members, strict=True)
    for place, (model, p_value, member) in enumerate(best):
        repeats = predictions.y_pred[model]
        row: dict[str, Any] = {"protocol": predictions.protocol, "model": model}
        row |= score(list(repeats), predictions.jackknife)
        if hierarchy is not None:
            estimates = [hierarchical_f1(y_pred, hierarchy, predictions.jackknife) for y_pred in repeats]
            row |= Estimate.mean(estimates).columns("hierarchical_f1")
        row["repeats"] = len(repeats)
        values = [estimate.value for estimate in predictions.repeats[model]]
        row["macro_f1_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
        row["p_value"] = float(p_value) if place else float("nan")
        row["tied_with_best"] = bool(member) and place > 0
        row["fit_seconds"] = round(predictions.fit_seconds[model], 4)
        row["predict_seconds"] = round(predictions.predict_seconds[model], 4)
        if model in predictions.probabilities:
            row |= score_probabilities(list(predictions.probabilities[model]), list(repeats), predictions.jackknife)
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
        for row in score_genres(list(predictions.y_pred[model]), predictions.genres, predictions.jackknife)
    ]


def confusion_rows(predictions: Predictions) -> list[dict[str, Any]]:
    """Rows of the table ``confusion`` for one protocol; numbers of tracks are means over the repeats."""
    genres, y = predictions.genres, predictions.y
    rows = []
    for model in predictions.ranked:
        repeats = predictions.y_pred[model]
        cells = (y * len(genres) + repeats).ravel()
        counts = np.bincount(cells, minlength=len(genres) ** 2).reshape(len(genres), -1) / len(repeats)
        for i, genre in enumerate(genres):
            for j, predicted in enumerate(genres):
                pair = {"protocol": predictions.protocol, "model": model, "genre": genre, "predicted": predicted}
                rows.append({**pair, "tracks": float(counts[i, j])})
    return rows


def test_rows(predictions: Predictions) -> list[dict[str, Any]]:
    """Rows of the table ``tests``: each model against the best, corrected for the number of models.

    The p-values of the model confidence set hold for all models together as they are; those of other tests are
    Holm-corrected.
    """
    best, *others = predictions.ranked
    rows = []
    for other, p_value in zip(others, predictions.best.p_values[1:].tolist(), strict=True):
        difference = predictions.macro_f1[best].value - predictions.macro_f1[other].value
        pair = {"protocol": predictions.protocol, "model": other, "best": best}
        rows.append(pair | asdict(TestResult("model confidence set", difference, p_value)) | {"p_holm": p_value})
    if len(predictions.plan.folds) > 1:
        results = [_fold_test(predictions, best, other) for other in others]
        corrected = holm(np.array([result.p_value for result in results]))
        for other, result, p_holm in zip(others, results, corrected, strict=True):
            pair = {"protocol": predictions.protocol, "model": other, "best": best}
            rows.append(pair | asdict(result) | {"p_holm": float(p_holm)})
    return rows


test_rows.__test__ = False  # type: ignore[attr-defined]


def _fold_test(predictions: Predictions, best: str, other: str) -> TestResult:
    """The paired test of two models over the folds of the first repeat."""
    folds, fold = predictions.plan.folds, predictions.fold[0]

    def of_fold(model: str, number: int) -> float:
        here = fold == number
        counts = count(predictions.y[here], predictions.y_pred[model][0, here], len(predictions.genres))
        return float(macro_f1(counts))

    differences = [of_fold(best, number) - of_fold(other, number) for number in range(1, len(folds) + 1)]
    train = float(np.mean([len(part.train) for part in folds]))
    test = float(np.mean([len(part.test) for part in folds]))
    return corrected_resampled_t(np.array(differences), train=train, test=test)


def prediction_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, genre``, then a column with each model's predictions in the first repeat."""
    return _frame(predictions, ids, 0)


def repeat_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, repeat, fold, track_id, genre``, then the predictions of each model; empty for fewer repeats."""
    import pandas as pd

    frames = [
        _frame(predictions, ids, repeat).assign(repeat=repeat + 1)
        for repeat in range(1, max(map(len, predictions.y_pred.values())))
    ]
    if not frames:
        return pd.DataFrame()
    together = pd.concat(frames, ignore_index=True)
    together.insert(1, "repeat", together.pop("repeat"))
    return together


def _frame(predictions: Predictions, ids: np.ndarray, repeat: int) -> pd.DataFrame:
    import pandas as pd

    names, order = np.array(predictions.genres, dtype=object), _by_fold(predictions, repeat)
    columns = _identity(predictions, ids, repeat) | {"genre": names[predictions.y][order]}
    for model, repeats in predictions.y_pred.items():
        known = repeat < len(repeats)
        columns[model] = names[repeats[repeat]][order] if known else np.full(len(order), "", dtype=object)
    return pd.DataFrame(columns)


def probability_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``protocol, fold, track_id, model``, then a column for each genre; of the first repeat."""
    import pandas as pd

    frames = []
    for model, repeats in predictions.probabilities.items():
        identity = pd.DataFrame(_identity(predictions, ids, 0) | {"model": model})
        rounded = np.round(repeats[0][_by_fold(predictions, 0)], 6)
        frames.append(pd.concat([identity, pd.DataFrame(rounded, columns=list(predictions.genres))], axis=1))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _by_fold(predictions: Predictions, repeat: int) -> np.ndarray:
    return np.argsort(predictions.fold[repeat], kind="stable")


def _identity(predictions: Predictions, ids: np.ndarray, repeat: int) -> dict[str, np.ndarray]:
    order = _by_fold(predictions, repeat)
    protocol = np.full(len(order), predictions.protocol, dtype=object)
    return {"protocol": protocol, "fold": predictions.fold[repeat][order], "track_id": ids[predictions.rows][order]}
