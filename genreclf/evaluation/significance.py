"""Paired tests of two models on the same tracks, beside `genreclf.evaluation.best_set`. p-values are two-sided.

Sources: Nadeau and Bengio (2003), Inference for the Generalization Error; Holm (1979), A simple sequentially rejective
multiple test procedure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TestResult:
    """The outcome of one test; `statistic` is NaN where the test has none."""

    __test__ = False  # not a class of tests, whatever pytest makes of the name

    test: str
    statistic: float
    p_value: float


def corrected_resampled_t(differences: np.ndarray, *, train: float, test: float) -> TestResult:
    """Compare two models over folds, corrected for the overlap of their training parts.

    Parameters
    ----------
    differences : (folds,), difference of the two models' scores in each fold.
    train, test : mean number of tracks trained on and tested in a fold.

    Returns
    -------
    t with folds - 1 degrees of freedom: mean / sqrt((1 / folds + test / train) * variance).
    """
    from scipy.stats import t as student

    folds = len(differences)
    mean = float(np.mean(differences))
    if folds < 2:
        return TestResult("corrected resampled t", float("nan"), 1.0)
    variance = float(np.var(differences, ddof=1))
    if variance <= (1e-12 * max(abs(mean), 1e-12)) ** 2:
        return TestResult("corrected resampled t", float("nan"), 1.0 if abs(mean) < 1e-12 else 0.0)
    statistic = mean / np.sqrt((1 / folds + test / train) * variance)
    return TestResult("corrected resampled t", float(statistic), float(2 * student.sf(abs(statistic), folds - 1)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct the p-values of several tests, (tests,), so that the chance of any false positive keeps its level."""
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected
