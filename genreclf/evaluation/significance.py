"""Which differences are real: paired tests of two models on the same tracks.

p-values are two-sided. McNemar's test takes tracks as independent; the paired bootstrap draws whole groups and
so does not, and it tests the score that models are ranked by.

Sources: McNemar (1947); Fagerland, Lydersen and Laake (2013), The McNemar test for binary matched-pairs data:
mid-p and asymptotic are better than exact conditional; Nadeau and Bengio (2003), Inference for the
Generalization Error; Holm (1979), A simple sequentially rejective multiple test procedure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TestResult:
    """The outcome of one test; `statistic` is not a number where the test has none."""

    __test__ = False  # pytest would take the name for a class of tests

    test: str
    statistic: float
    p_value: float


def mcnemar(right: np.ndarray, other_right: np.ndarray, *, mid_p: bool = True) -> TestResult:
    """Compare two models on one test set by the tracks that only one of them gets right.

    Parameters
    ----------
    right, other_right : (tracks,), whether each model is right.
    mid_p : count the observed table by half, which makes up for the exact test's caution.

    Returns
    -------
    The number of tracks that the first alone gets right as the statistic, and the binomial p-value.
    """
    from scipy.stats import binom

    only_first = int((right & ~other_right).sum())
    only_other = int((~right & other_right).sum())
    discordant = only_first + only_other
    fewer = min(only_first, only_other)
    p_value = 2 * float(binom.cdf(fewer, discordant, 0.5))
    if mid_p:
        p_value -= float(binom.pmf(fewer, discordant, 0.5))
    return TestResult("mcnemar mid-p" if mid_p else "mcnemar exact", float(only_first), min(p_value, 1.0))


def corrected_resampled_t(differences: np.ndarray, *, train: float, test: float) -> TestResult:
    """Compare two models over folds, allowing for the overlap of what the folds train on.

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


def paired_bootstrap(difference: float, drawn: np.ndarray) -> TestResult:
    """Compare two models by a score on the same draws of groups.

    Parameters
    ----------
    difference : of the two models' scores on all tracks.
    drawn : (draws,), the same on each draw.

    Returns
    -------
    The difference as the statistic; the p-value is twice the smaller share of draws in which the sign of the
    difference turns, counting one draw more so that it is never 0 (Davison and Hinkley 1997, chapter 4).
    """
    at_most = (1 + int((drawn <= 0).sum())) / (1 + len(drawn))
    at_least = (1 + int((drawn >= 0).sum())) / (1 + len(drawn))
    return TestResult("paired bootstrap", difference, min(1.0, 2 * min(at_most, at_least)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values of several tests so that the chance of any false difference keeps its level.

    Parameters
    ----------
    p_values : (tests,).

    Returns
    -------
    (tests,), corrected, at most 1.
    """
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected
