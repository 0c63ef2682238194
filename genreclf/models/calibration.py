"""Calibration: probabilities that mean something, for every model.

The model itself is fitted once on everything, so that its predictions stay as they were. Its scores for tracks that it
was not fitted on, from an inner cross-validation, are turned into probabilities by several methods:

- `temperature`: the softmax of all scores divided by one number.
- `sigmoid`: Platt's sigmoid for each class against the rest.
- `venn-abers`: Venn-Abers predictors for each class against the rest: a track is added once as one of the class and
  once as one of the rest, isotonic regression gives it a probability each time, and the two are merged.
- `pairwise`: for support vector machines, which decide between pairs of classes: a slope turns each margin into the
  probability of one class of the pair, and the probabilities of all pairs are coupled.

The first three are averaged: on a few hundred tracks, choosing one of them, or the model's own probabilities (`none`),
by held-out log loss does worse than their mean, as ``benchmarks/calibration.py`` shows. Support vector machines get the
mean or the pairs, whichever has the smaller log loss on folds that it was not fitted on.

Sources: Platt (1999), Probabilistic Outputs for Support Vector Machines; Zadrozny and Elkan (2002), Transforming
Classifier Scores into Accurate Multiclass Probability Estimates; Guo, Pleiss, Sun and Weinberger (2017), On Calibration
of Modern Neural Networks; Vovk and Petej (2014), Venn-Abers Predictors; Wu, Lin and Weng (2004), Probability Estimates
for Multi-class Classification by Pairwise Coupling (their second method).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

_LEAST = 1e-6  # a probability below is taken as this before its logarithm
_POINTS = 128  # at which Venn-Abers predictors are computed
_STEEPEST = 1e4  # of a slope for scores of standard deviation 1
_SMALLEST = 1e-12  # of scores; smaller ones are all alike
_ROWS_AT_ONCE = 512

Parameters = list["np.ndarray"]
_Kind = Callable[[Any, "np.ndarray"], "np.ndarray"]
_Scores = dict[_Kind, "np.ndarray"]


def has_probabilities(estimator: Any) -> bool:  # noqa: ANN401 - any scikit-learn classifier
    """Whether a classifier has probabilities without calibration."""
    return hasattr(estimator, "predict_proba")


def base_estimator(model: Any) -> Any:  # noqa: ANN401
    """The pipeline inside a calibrated model, whose predictions calibration leaves as they are; else the model."""
    if isinstance(model, CalibratedModel):
        return model.estimator
    # Model files of format 1 hold scikit-learn's own.
    return model.calibrated_classifiers_[0].estimator if hasattr(model, "calibrated_classifiers_") else model


@dataclass(eq=False)
class CalibratedModel:
    """A fitted classifier whose scores are turned into probabilities.

    Parameters
    ----------
    estimator : the classifier.
    method : names of `METHODS` with ``+`` between them; their probabilities are averaged.
    parameters : arrays, as the methods have them, one after the other.
    classes_ : (classes,), in the order of the columns of the probabilities.
    """

    estimator: Any
    method: str
    parameters: Parameters
    classes_: np.ndarray

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(tracks,), what the classifier predicts."""
        import numpy as np

        return np.asarray(self.estimator.predict(X))

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(tracks, classes), rows that sum to one."""
        return self.calibrated(transformed(self.estimator, X))

    def calibrated(self, Z: np.ndarray) -> np.ndarray:
        """(tracks, classes), from rows as they come to the last step of the classifier."""
        return _averaged(self.method, _scores_of([self.method], self.estimator[-1], Z), self.parameters)


def predictions(model: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
    """What a fitted pipeline predicts, calibrated or not: (tracks,) classes and (tracks, classes) probabilities."""
    import numpy as np

    pipeline = base_estimator(model)
    Z = transformed(pipeline, X)  # once for both
    if isinstance(model, CalibratedModel):
        probabilities = model.calibrated(Z)
    else:
        probabilities = pipeline[-1].predict_proba(Z) if model is pipeline else model.predict_proba(X)
    return np.asarray(pipeline[-1].predict(Z)), np.asarray(probabilities)


def transformed(pipeline: Any, X: np.ndarray) -> np.ndarray:  # noqa: ANN401
    """(tracks, features), as they come to the last step of a pipeline."""
    for _, step in pipeline.steps[:-1]:
        X = step.transform(X)
    return X


class HeldOut(NamedTuple):
    """What a calibrated model predicted for each track that it was not fitted on.

    Parameters
    ----------
    y_pred : (tracks,), class codes, as the classifier predicts them.
    probabilities : (tracks, classes), calibrated without the track's own fold.
    uncalibrated : the same before calibration; None where the classifier has no probabilities.
    """

    y_pred: np.ndarray
    probabilities: np.ndarray
    uncalibrated: np.ndarray | None


class InnerScores(NamedTuple):
    """The scores of tracks by models that were not fitted on them.

    Parameters
    ----------
    codes, fold, y_pred : (tracks,), class codes, the number of the fold that each was tested in, predicted codes.
    scores : (tracks, scores) of each kind.
    """

    codes: np.ndarray
    fold: np.ndarray
    y_pred: np.ndarray
    scores: _Scores


def fit_calibrated(
    estimator: Any,  # noqa: ANN401 - any scikit-learn classifier
    X: np.ndarray,
    y: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    groups: np.ndarray | None = None,
) -> tuple[CalibratedModel, HeldOut]:
    """Fit a classifier, choose how its scores become probabilities, and fit that.

    Parameters
    ----------
    estimator : classifier, not fitted.
    X : (tracks, features).
    y : (tracks,), classes.
    folds : rows to train on and to test on; every row is tested once, and every fold trains on every class.
    groups : see `fit_grouped`.
    """
    inner = inner_scores(estimator, X, y, folds, groups=groups)
    model = fit_grouped(estimator, X, y, groups)
    held_out = {name: cross_fitted(name, inner) for name in candidates(model)}
    best = min(held_out, key=lambda name: log_loss(held_out[name], inner.codes))
    uncalibrated = _averaged("none", inner.scores, []) if has_probabilities(model) else None
    return calibrate(model, best, inner), HeldOut(inner.y_pred, held_out[best], uncalibrated)


def inner_scores(
    estimator: Any,  # noqa: ANN401
    X: np.ndarray,
    y: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    groups: np.ndarray | None = None,
) -> InnerScores:
    """The scores of a cross-validation; the arguments are those of `fit_calibrated`."""
    import numpy as np
    from sklearn.base import clone

    classes, codes = np.unique(y, return_inverse=True)
    fold, y_pred, scores = np.empty(len(y), dtype=int), np.empty(len(y), dtype=int), _Scores()
    for number, (train, test) in enumerate(folds):
        fitted = fit_grouped(clone(estimator), X[train], y[train], None if groups is None else groups[train])
        fold[test] = number
        Z = transformed(fitted, X[test])
        y_pred[test] = np.searchsorted(classes, fitted[-1].predict(Z))
        for kind, found in _scores_of(candidates(fitted), fitted[-1], Z).items():
            scores.setdefault(kind, np.empty((len(y), found.shape[1])))[test] = found
    return InnerScores(codes, fold, y_pred, scores)


def fit_grouped(pipeline: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None) -> Any:  # noqa: ANN401
    """Fit a pipeline, and hand its classifier the groups if there are any; see `ModelSpec.by_epochs`."""
    return pipeline.fit(X, y) if groups is None else pipeline.fit(X, y, model__groups=groups)


def calibrate(model: Any, name: str, inner: InnerScores) -> CalibratedModel:  # noqa: ANN401
    """A fitted pipeline with a calibration, which is fitted to inner scores of the same pipeline."""
    return CalibratedModel(model, name, _fitted(name, inner.scores, inner.codes, len(model.classes_)), model.classes_)


def cross_fitted(name: str, inner: InnerScores) -> np.ndarray:
    """(tracks, classes), the probabilities of each fold by a calibration that is fitted to the others."""
    import numpy as np

    codes, classes = inner.codes, int(inner.codes.max()) + 1
    found = np.empty((len(codes), classes))
    for number in np.unique(inner.fold):
        here = inner.fold == number
        others = {kind: values[~here] for kind, values in inner.scores.items()}
        parameters = _fitted(name, others, codes[~here], classes)
        found[here] = _averaged(name, {kind: values[here] for kind, values in inner.scores.items()}, parameters)
    return found


def log_loss(probabilities: np.ndarray, codes: np.ndarray) -> float:
    """The mean negative logarithm of the probability of the true class."""
    import numpy as np

    return -float(np.log(np.maximum(probabilities[np.arange(len(codes)), codes], _LEAST)).mean())


def candidates(fitted: Any) -> list[str]:  # noqa: ANN401
    """The calibrations that suit a fitted pipeline."""
    return ["temperature+sigmoid+venn-abers", *(["pairwise"] if _margins_of(fitted[-1]) is not None else [])]


def _scores_of(names: Sequence[str], classifier: Any, Z: np.ndarray) -> _Scores:  # noqa: ANN401
    """The scores that some calibrations take, each kind computed once."""
    kinds = {METHODS[method].scores for name in names for method in name.split("+")}
    return {kind: kind(classifier, Z) for kind in kinds}


def _fitted(name: str, scores: _Scores, codes: np.ndarray, classes: int) -> Parameters:
    """The parameters of a calibration."""
    methods = [METHODS[method] for method in name.split("+")]
    return [array for method in methods for array in method.fit(scores[method.scores], codes, classes)]


def _averaged(name: str, scores: _Scores, parameters: Parameters) -> np.ndarray:
    """(tracks, classes), the mean of the probabilities by all methods of a calibration."""
    import numpy as np

    found, left = [], iter(parameters)
    for method in (METHODS[method] for method in name.split("+")):
        values = scores[method.scores]
        found.append(method.apply(values, list(islice(left, method.arrays(values.shape[1])))))
    return np.asarray(np.mean(found, axis=0))


def class_scores(classifier: Any, Z: np.ndarray) -> np.ndarray:  # noqa: ANN401
    """(tracks, classes): logarithms of the probabilities, or the values of the decision function."""
    import numpy as np

    if has_probabilities(classifier):
        return np.asarray(np.log(np.maximum(classifier.predict_proba(Z), _LEAST)))
    values = np.asarray(classifier.decision_function(Z))
    return np.column_stack([-values, values]) if values.ndim == 1 else values


def pair_margins(machine: Any, Z: np.ndarray) -> np.ndarray:  # noqa: ANN401
    """(tracks, pairs), of the pairs (0, 1), (0, 2), ..., (1, 2), ...; positive speaks for the pair's first class."""
    import numpy as np

    margins = _margins_of(machine)
    assert margins is not None  # noqa: S101 - only asked of machines that have them
    return np.asarray(margins(Z))


def _margins_of(classifier: Any) -> Callable[[np.ndarray], np.ndarray] | None:  # noqa: ANN401
    """The margins of a support vector machine between pairs of classes; None for any other classifier."""
    from sklearn.svm import SVC, NuSVC

    from genreclf.models.family_kernel import FamilyKernelSVC

    if isinstance(classifier, FamilyKernelSVC):
        return lambda X: -classifier.pair_margins(X)
    if not isinstance(classifier, SVC | NuSVC):
        return None
    machine = copy.copy(classifier)
    machine.decision_function_shape, machine.break_ties = "ovo", False
    if len(classifier.classes_) == 2:
        return lambda X: -machine.decision_function(X)[:, None]
    margins: Callable[[np.ndarray], np.ndarray] = machine.decision_function
    return margins


def _own(scores: np.ndarray, parameters: Parameters) -> np.ndarray:  # noqa: ARG001 - as all methods have it
    import numpy as np
    from scipy.special import softmax

    return np.asarray(softmax(scores, axis=1))


def _no_parameters(scores: np.ndarray, codes: np.ndarray, classes: int) -> Parameters:  # noqa: ARG001
    return []


def _fit_temperature(scores: np.ndarray, codes: np.ndarray, classes: int) -> Parameters:
    import numpy as np
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    unit = _unit(scores)
    # As in Platt's targets: a class of n tracks, all of them right, does not show that others are impossible.
    others = 1 / (np.bincount(codes, minlength=classes)[codes, None] + 2)
    target = np.where(codes[:, None] == np.arange(classes), 1 - others, others / (classes - 1))

    def loss(logarithm: float) -> float:
        logarithms = log_softmax(scores * (np.exp(logarithm) / unit), axis=1)
        return -float((target * logarithms).sum(axis=1).mean())

    reach = float(np.log(_STEEPEST))
    found = minimize_scalar(loss, bounds=(-reach, reach), method="bounded")
    return [np.array([np.exp(found.x) / unit])]


def _temperature(scores: np.ndarray, parameters: Parameters) -> np.ndarray:
    return _own(scores * parameters[0], [])


def _fit_sigmoids(scores: np.ndarray, codes: np.ndarray, classes: int) -> Parameters:
    import numpy as np

    lines = [logistic_line(scores[:, k], codes == k) for k in range(classes)]
    return list(np.array(lines).T)


def _sigmoids(scores: np.ndarray, parameters: Parameters) -> np.ndarray:
    from scipy.special import expit

    return _normalised(expit(scores * parameters[0] + parameters[1]))


def _fit_venn_abers(scores: np.ndarray, codes: np.ndarray, classes: int) -> Parameters:
    return [array for k in range(classes) for array in venn_abers(scores[:, k], codes == k)]


def venn_abers(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inductive Venn-Abers probabilities at the scores of the tracks that they are fitted on.

    Parameters
    ----------
    scores, positive : (tracks,), and whether each is of the class.

    Returns
    -------
    (points,) scores, ascending, and (points,) probabilities, at most `_POINTS`: neighbours share a point where there
    are more scores.
    """
    import numpy as np

    edges = np.unique(np.quantile(scores, np.arange(1, _POINTS) / _POINTS, method="lower"))
    point = np.unique(np.searchsorted(edges, scores), return_inverse=True)[1]
    size = np.bincount(point)
    tracks, hits = (np.append(0, np.cumsum(np.bincount(point, weights=w))) for w in (np.ones(len(scores)), positive))
    p = np.empty(len(size))
    for k in range(len(size)):
        # Isotonic regression at a point: the largest over all beginnings before it of the smallest mean to any end.
        n = tracks[k + 1 :] - tracks[: k + 1, None] + 1
        among = hits[k + 1 :] - hits[: k + 1, None]
        low, high = (((among + one) / n).min(axis=1).max() for one in (0, 1))
        p[k] = high / (1 - low + high)
    return np.bincount(point, weights=scores) / size, p


def _steps(scores: np.ndarray, parameters: Parameters) -> np.ndarray:
    import numpy as np

    points = zip(scores.T, parameters[::2], parameters[1::2], strict=True)
    return _normalised(np.column_stack([np.interp(column, x, p) for column, x, p in points]))


def _fit_pairs(scores: np.ndarray, codes: np.ndarray, classes: int) -> Parameters:
    import numpy as np

    slopes = []
    for margins, (first, second) in zip(scores.T, combinations(range(classes), 2), strict=True):
        here = (codes == first) | (codes == second)
        # Where classes are small and artists few, an intercept fits the accidents of the folds.
        slopes.append(logistic_line(margins[here], codes[here] == first, intercept=False)[0])
    return [np.array(slopes)]


def _pairs(scores: np.ndarray, parameters: Parameters) -> np.ndarray:
    import numpy as np
    from scipy.special import expit

    pieces = range(0, len(scores), _ROWS_AT_ONCE)
    coupled = [couple(expit(scores[k : k + _ROWS_AT_ONCE] * parameters[0])) for k in pieces]
    return np.concatenate(coupled)


def couple(first: np.ndarray) -> np.ndarray:
    """Probabilities of classes from those of pairs of them.

    Parameters
    ----------
    first : (tracks, pairs), the probability of the first class of each pair if it is one of the two.

    Returns
    -------
    (tracks, classes), the p that minimises the sum over pairs of (r_ji p_i - r_ij p_j)².
    """
    import numpy as np

    tracks, pairs = first.shape
    classes = round((1 + (1 + 8 * pairs) ** 0.5) / 2)
    rows, columns = np.triu_indices(classes, 1)
    r = np.zeros((tracks, classes, classes))
    r[:, rows, columns] = np.clip(first, _LEAST, 1 - _LEAST)
    r[:, columns, rows] = 1 - r[:, rows, columns]
    # The minimum under the condition that p sums to 1 is the solution of linear equations.
    equations = np.zeros((tracks, classes + 1, classes + 1))
    equations[:, :classes, :classes] = -r * r.transpose(0, 2, 1)
    diagonal = np.arange(classes)
    equations[:, diagonal, diagonal] = (r**2).sum(axis=1)
    equations[:, classes, :classes] = equations[:, :classes, classes] = 1
    right = np.zeros((classes + 1, 1))
    right[classes] = 1
    return _normalised(np.linalg.solve(equations, right)[:, :classes, 0])


def logistic_line(x: np.ndarray, positive: np.ndarray, *, intercept: bool = True) -> tuple[float, float]:
    """Slope, not negative, and intercept of a logistic regression with Platt's targets, which are not quite 0 and 1."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import expit

    number, others = positive.sum(), (~positive).sum()
    target = np.where(positive, (number + 1) / (number + 2), 1 / (others + 2))
    unit = _unit(x)
    z = x / unit

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        values = line[0] * z + line[1]
        residual = expit(values) - target
        return float((np.logaddexp(0, values) - target * values).mean()), np.array(
            [(residual * z).mean(), residual.mean()]
        )

    bounds = [(0.0, _STEEPEST), (None, None) if intercept else (0.0, 0.0)]
    slope, offset = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(slope / unit), float(offset)


def _unit(scores: np.ndarray) -> float:
    """The standard deviation of scores, or their size where they hardly differ."""
    import numpy as np

    spread, size = float(scores.std()), float(np.abs(scores).max())
    if size < _SMALLEST:
        return 1.0
    return spread if spread > 1e-6 * size else size


def _normalised(shares: np.ndarray) -> np.ndarray:
    import numpy as np

    shares = np.maximum(shares, 1e-12)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


class _Method(NamedTuple):
    """A way from scores to probabilities.

    Parameters
    ----------
    scores : (last step of the classifier, rows as they come to it) -> (tracks, scores).
    fit : (scores, codes, number of classes) -> parameters.
    apply : (scores, parameters) -> (tracks, classes).
    arrays : number of columns of the scores -> number of parameters.
    """

    scores: _Kind
    fit: Callable[[np.ndarray, np.ndarray, int], Parameters]
    apply: Callable[[np.ndarray, Parameters], np.ndarray]
    arrays: Callable[[int], int]


METHODS = {
    "none": _Method(class_scores, _no_parameters, _own, lambda _: 0),
    "temperature": _Method(class_scores, _fit_temperature, _temperature, lambda _: 1),
    "sigmoid": _Method(class_scores, _fit_sigmoids, _sigmoids, lambda _: 2),
    "venn-abers": _Method(class_scores, _fit_venn_abers, _steps, lambda classes: 2 * classes),
    "pairwise": _Method(pair_margins, _fit_pairs, _pairs, lambda _: 1),
}
METHODS["isotonic"] = METHODS["venn-abers"]  # of earlier files, whose steps are applied alike
