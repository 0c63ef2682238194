"""Fitting: the one way from a model's entry and some tracks to a fitted estimator.

Parameters are searched first, then the pipeline is fitted on everything, and calibrated if asked for. Which tracks are
used for either is decided by whoever calls: folds are arguments.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genreclf.errors import one_line

if TYPE_CHECKING:
    import numpy as np

    from genreclf.models.calibration import HeldOut
    from genreclf.models.entry import ModelSpec
    from genreclf.models.neural.search import Trial

Folds = Sequence[tuple["np.ndarray", "np.ndarray"]]


@dataclass(frozen=True, eq=False)
class FittedPipeline:
    """A fitted model and what is known of how it was fitted.

    Parameters
    ----------
    estimator : a pipeline, or a `genreclf.models.calibration.CalibratedModel` around one.
    parameters, inner_macro_f1 : what a search chose, and its mean macro-F1 there; None and NaN without a search.
    warnings : what was warned of while it was fitted.
    held_out : what it predicted for tracks that it was not fitted on; None where it is not calibrated.
    trials : what a search by epochs tried; empty without one.
    """

    estimator: Any
    parameters: dict[str, Any] | None
    inner_macro_f1: float
    warnings: tuple[warnings.WarningMessage, ...]
    held_out: HeldOut | None = None
    trials: tuple[Trial, ...] = ()

    def messages(self, category: type[Warning] = Warning) -> tuple[str, ...]:
        """The warnings of a category, each on one line, sorted and without repeats."""
        chosen = {one_line(w.message) for w in self.warnings if issubclass(w.category, category)}
        return tuple(sorted(chosen))


def fit_pipeline(
    entry: ModelSpec,
    X: np.ndarray,
    y: np.ndarray,
    *,
    seed: int,
    families: np.ndarray | None = None,
    impute: bool = False,
    rows: np.ndarray | None = None,
    tune_folds: Folds | None = None,
    calibration_folds: Folds | None = None,
    groups: np.ndarray | None = None,
) -> FittedPipeline:
    """Fit a model: search its parameters, calibrate it, or neither.

    Parameters
    ----------
    X, y : (tracks, features) and (tracks,).
    seed : of the model and of the search.
    families : (features,), the number of each feature's family, see `ModelSpec.build`.
    impute : whether empty cells (NaN) are filled by medians of what is fitted on.
    rows : the rows to fit on in the end; None is all. The others serve the search alone.
    tune_folds : rows to train on and to test on in the search; None, or an empty search space, keeps the parameters.
    calibration_folds : rows, among those fitted on, to calibrate on, every fold training on every class; None gives
        no calibration.
    groups : (tracks,), what must stay on one side wherever the classifier divides its tracks itself, see
        `ModelSpec.by_epochs`; None where nothing must.
    """
    from genreclf.models.calibration import fit_calibrated, fit_grouped
    from genreclf.models.tuning import search

    model, parameters, inner = entry.build(seed, families=families, impute=impute), None, float("nan")
    held_out: HeldOut | None = None
    trials: Sequence[Trial] = ()
    groups = groups if entry.by_epochs else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if tune_folds is not None and entry.space:
            model, parameters, inner, trials = search(model, entry, X, y, tune_folds, seed=seed)
        if rows is not None:
            X, y, groups = X[rows], y[rows], None if groups is None else groups[rows]
        if calibration_folds is None:
            fit_grouped(model, X, y, groups)
        else:
            model, held_out = fit_calibrated(model, X, y, calibration_folds, groups=groups)
    return FittedPipeline(model, parameters, inner, tuple(caught), held_out, tuple(trials))
