"""Calibration: probabilities for models that have none, by Platt's sigmoid.

The model itself is fitted once on everything, so that its predictions stay as they were and it stays small on
disk; the sigmoids, one for each class, are fitted to its scores in an inner cross-validation.

Source: Platt (1999), Probabilistic Outputs for Support Vector Machines; Zadrozny and Elkan (2002) for many classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def has_probabilities(estimator: Any) -> bool:  # noqa: ANN401 - any scikit-learn classifier
    """Whether a classifier has probabilities without calibration."""
    return hasattr(estimator, "predict_proba")


def fit_calibrated(
    estimator: Any,  # noqa: ANN401 - any scikit-learn classifier
    X: np.ndarray,
    y: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Any:  # noqa: ANN401
    """Fit a classifier together with sigmoids that turn its scores into probabilities.

    Parameters
    ----------
    estimator : classifier, not fitted.
    X : (tracks, features).
    y : (tracks,), classes.
    folds : rows to train on and to test on; every row is tested once, and every fold trains on every class.

    Returns
    -------
    A fitted `sklearn.calibration.CalibratedClassifierCV`; `base_estimator` gives the classifier inside.
    """
    from sklearn.calibration import CalibratedClassifierCV

    calibrated = CalibratedClassifierCV(estimator, method="sigmoid", cv=list(folds), ensemble=False)
    calibrated.fit(X, y)
    # The row numbers have served; without them a stored model holds nothing of its training tracks.
    calibrated.cv = len(folds)
    return calibrated


def base_estimator(model: Any) -> Any:  # noqa: ANN401
    """The pipeline inside a calibrated model, whose predictions calibration leaves as they are; else the model."""
    return model.calibrated_classifiers_[0].estimator if hasattr(model, "calibrated_classifiers_") else model
