"""Which differences are real: paired tests of two models on the same tracks.

p-values are two-sided. McNemar's test assumes independent tracks. The paired bootstrap draws whole groups, so it does
not, and it tests the score by which models are ranked.

Sources: McNemar (1947); Fagerland, Lydersen and Laake (2013), The McNemar test for binary matched-pairs data:
mid-p and asymptotic are better than exact conditional; Nadeau and Bengio (2003), Inference for the
Generalization Error; Holm (1979), A simple sequentially rejective multiple test procedure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from genreclf.evaluation.bootstrap import Estimate


@dataclass(frozen=True)
class TestResult:
    """The outcome of one test; `statistic` is NaN where the test has none."""

    __test__ = False  # not a class of tests, whatever pytest makes of the name

    test: str
    statistic: float
    p_value: float


def mcnemar(right: np.ndarray, other_right: np.ndarray, *, mid_p: bool = True) -> TestResult:
    """Compare two models on one test set by the tracks that only one of them gets right.

    Parameters
    ----------
    right, other_right : (tracks,), whether each model is right.
    mid_p : count only half of the observed table's probability, as the exact test is conservative.

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


def paired_bootstrap(difference: Estimate) -> TestResult:
    """Compare two models by the difference of their scores on the same draws.

    Returns
    -------
    The difference as the statistic; the p-value is twice the smaller share of draws on which the difference has the
    other sign, with one draw more counted so that it is never 0 (Davison and Hinkley 1997, chapter 4).
    """
    draws = len(difference.drawn)
    at_most = (1 + int((difference.drawn <= 0).sum())) / (1 + draws)
    at_least = (1 + int((difference.drawn >= 0).sum())) / (1 + draws)
    return TestResult("paired bootstrap", difference.value, min(1.0, 2 * min(at_most, at_least)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct the p-values of several tests, (tests,), so that the chance of any false positive keeps its level."""
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected
