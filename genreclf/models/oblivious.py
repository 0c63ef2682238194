"""Oblivious trees: what CatBoost's boosters are made of, as plain arrays that anything can store.

All nodes of one level of an oblivious tree ask the same question, so a tree of depth d is d questions and 2 ** d
leaves; the answers, read as a binary number, number the leaf. A booster is kept as a dictionary of arrays:
``depths`` (trees,); ``features`` and ``borders``, one for each question, tree after tree; ``leaves``, the values
(2 ** depth, classes) of each tree, flat, tree after tree; ``bias`` (classes,); ``scale`` ().

CatBoost's own formats are read by C++ code that was not written for files from strangers; these arrays are
checked in five lines and evaluated by numpy, and need no CatBoost to predict.

Source: Prokhorenkova et al. (2018), CatBoost: unbiased boosting with categorical features.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from catboost import CatBoostClassifier

_DEEPEST = 16  # CatBoost's own limit
_BLOCK = 256  # rows that are evaluated at a time, to bound memory


def oblivious_trees(booster: CatBoostClassifier) -> dict[str, np.ndarray]:
    """The trees of a fitted CatBoost classifier over numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "booster.json"
        booster.save_model(str(path), format="json")
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    trees = stored["oblivious_trees"]
    scale, bias = stored["scale_and_bias"]
    questions = [tree["splits"] or [] for tree in trees]  # a tree that found nothing to ask has none
    splits = [split for asked in questions for split in asked]
    return {
        "depths": np.array([len(asked) for asked in questions], dtype=np.int64),
        "features": np.array([split["float_feature_index"] for split in splits], dtype=np.int64),
        "borders": np.array([split["border"] for split in splits], dtype=np.float32),
        "leaves": np.array([value for tree in trees for value in tree["leaf_values"]], dtype=np.float64),
        "bias": np.array(bias, dtype=np.float64),
        "scale": np.array(scale, dtype=np.float64),
    }


def no_trees(shares: np.ndarray) -> dict[str, np.ndarray]:
    """A booster that asks nothing.

    Parameters
    ----------
    shares : (classes,), the probabilities that it gives, above zero.
    """
    return {
        "depths": np.empty(0, dtype=np.int64),
        "features": np.empty(0, dtype=np.int64),
        "borders": np.empty(0, dtype=np.float32),
        "leaves": np.empty(0, dtype=np.float64),
        "bias": np.log(shares),
        "scale": np.array(1.0),
    }


def check_trees(trees: Mapping[str, np.ndarray], *, features: int, classes: int) -> None:
    """Make sure that trees from elsewhere are whole.

    Raises
    ------
    ValueError : their arrays do not fit each other.
    """
    depths = trees["depths"]
    if depths.ndim != 1 or depths.dtype != np.int64 or (depths < 0).any() or (depths > _DEEPEST).any():
        raise ValueError("depths of trees that cannot be")
    questions, leaves = int(depths.sum()), int((1 << depths).sum())
    shapes = {"features": (questions,), "borders": (questions,), "leaves": (leaves * classes,)}
    for name, shape in (shapes | {"bias": (classes,), "scale": ()}).items():
        if trees[name].shape != shape or trees[name].dtype.kind != ("i" if name == "features" else "f"):
            raise ValueError(f"{name} of shape {trees[name].shape}, {shape} is right")
    if ((trees["features"] < 0) | (trees["features"] >= features)).any():
        raise ValueError("a question about a feature that is not there")


def raw_scores(trees: Mapping[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    """What the trees add up to.

    Parameters
    ----------
    X : (tracks, features), float32, as CatBoost compares.

    Returns
    -------
    (tracks, classes), before the softmax.
    """
    classes = len(trees["bias"])
    scores = np.empty((len(X), classes))
    for start in range(0, len(X), _BLOCK):
        block = X[start : start + _BLOCK]
        answers = block[:, trees["features"]] > trees["borders"]
        total = np.zeros((len(block), classes))
        question = leaf = 0
        for depth in trees["depths"].tolist():
            size = classes << depth
            values = trees["leaves"][leaf : leaf + size].reshape(-1, classes)
            total += values[answers[:, question : question + depth] @ (1 << np.arange(depth))]
            question, leaf = question + depth, leaf + size
        scores[start : start + len(block)] = total * trees["scale"] + trees["bias"]
    return scores
