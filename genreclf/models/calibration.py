"""Calibration: probabilities for models that have none, by Platt's sigmoid on folds that keep artists apart.

The model itself is fitted once on everything, so that its answers stay what they were and it stays small on
disk; the sigmoids, one for each genre, are fitted to its scores in an inner cross-validation.

Source: Platt (1999), Probabilistic Outputs for Support Vector Machines; Zadrozny and Elkan (2002) for many classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def has_probabilities(estimator: Any) -> bool:  # noqa: ANN401 - any scikit-learn classifier
    """Whether a classifier gives probabilities of its own."""
    return hasattr(estimator, "predict_proba")


def calibrated(
    estimator: Any,  # noqa: ANN401 - any scikit-learn classifier
    X: np.ndarray,
    y: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Any:  # noqa: ANN401
    """Fit a classifier together with sigmoids that turn its scores into probabilities.

    Parameters
    ----------
    estimator : classifier with ``decision_function``, not fitted.
    X : (tracks, features).
    y : (tracks,), genres.
    folds : rows to train on and to test on; every row is tested once. `genreclf.evaluation.folds.inner_folds`
        makes them with artists on one side.

    Returns
    -------
    A fitted `sklearn.calibration.CalibratedClassifierCV`; `answers_of` gives the classifier inside.
    """
    from sklearn.calibration import CalibratedClassifierCV

    model = CalibratedClassifierCV(estimator, method="sigmoid", cv=list(folds), ensemble=False)
    model.fit(X, y)
    # The row numbers have served; without them a stored model holds nothing of its training tracks.
    model.cv = len(folds)
    return model


def answers_of(model: Any) -> Any:  # noqa: ANN401
    """The fitted classifier inside a calibrated one, whose own answers calibration does not change."""
    return model.calibrated_classifiers_[0].estimator
