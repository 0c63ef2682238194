"""Timbre as one Gaussian: where the MFCCs lie and how they move together, as one vector.

The Gaussian N(m, S) of a track's scaled MFCCs is embedded as the symmetric positive matrix [[S + m m', m], [m', 1]].
Its matrix logarithm lies in a flat space, where Euclidean distance is the log-Euclidean metric. The upper triangle of
the logarithm, off-diagonal elements times the root of 2, keeps all distances.

Sources: Mandel and Ellis (2005), Song-Level Features and Support Vector Machines for Music Classification; Lovric,
Min-Oo and Ruh (2000), Multivariate Normal Distributions Parametrized as a Riemannian Symmetric Space; Arsigny and
others (2006), Log-Euclidean Metrics for Fast and Simple Calculus on Diffusion Tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.features import mfcc

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

SCALES = (100.0, 30, 25, 20, 15, 12, 10, 10, 9, 8, 8, 8, 7, 7, 7, 7, 6, 6, 6, 6)
_SIZE = len(SCALES) + 1
COLUMNS = tuple(f"gauss_log_{number:03d}" for number in range(1, _SIZE * (_SIZE + 1) // 2 + 1))

_FLOOR = 0.01


def describe(spectra: Spectra) -> np.ndarray:
    """(231,), the Gaussian of the track's 20 MFCCs, see `log_gaussian`."""
    return log_gaussian(spectra.shared(mfcc.series) / np.array(SCALES)[:, None])


def log_gaussian(series: np.ndarray) -> np.ndarray:
    """The Gaussian that a series follows, as a vector in log-Euclidean space.

    Parameters
    ----------
    series : (size, frames), at least two frames.

    Returns
    -------
    ((size + 1) * (size + 2) / 2,) float64: the upper triangle, row by row. Eigenvalues are raised by 0.01, so that
    series without spread have one too.
    """
    mean = series.mean(axis=1)
    extended = np.append(mean, 1.0)
    matrix = np.outer(extended, extended)
    matrix[:-1, :-1] += np.cov(series)
    eigenvalues, vectors = np.linalg.eigh(matrix)
    logarithm = (vectors * np.log(np.maximum(eigenvalues, 0) + _FLOOR)) @ vectors.T
    rows, columns = np.triu_indices(len(matrix))
    return np.asarray(logarithm[rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0)))
