"""The zoo: the models that genreclf brings along.

Parameters are those of the study on FMA-small (8,000 clips, 75/25 split), where it gives any. scikit-learn and
CatBoost are imported when a model is built, so that listing the names costs nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from genreclf.models.bundle import structure
from genreclf.models.entry import ModelSpec, Storage, StudyScore


def _svc(seed: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    from sklearn.svm import SVC

    return SVC(kernel="rbf", C=3, random_state=seed)


def _forest(seed: int) -> Any:  # noqa: ANN401
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=500, class_weight="balanced", random_state=seed)


def _boosting(seed: int) -> Any:  # noqa: ANN401
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(
        learning_rate=0.05, max_depth=5, n_estimators=200, subsample=0.5, random_state=seed
    )


def _logistic(seed: int) -> Any:  # noqa: ANN401
    from sklearn.linear_model import LogisticRegression

    # scikit-learn's 100 iterations do not always suffice for the larger values of C in the search space.
    return LogisticRegression(C=0.01, solver="lbfgs", max_iter=1000, random_state=seed)


def _catboost(seed: int) -> Any:  # noqa: ANN401
    from genreclf.models.catboost import CatBoost

    return CatBoost(iterations=800, depth=6, bagging_temperature=0.05, l2_leaf_reg=0.0, random_state=seed)


def _histogram_boosting(seed: int) -> Any:  # noqa: ANN401
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Early stopping would put tracks of one artist into the training and the stopping part.
    return HistGradientBoostingClassifier(early_stopping=False, random_state=seed)


def _family_kernels(seed: int) -> Any:  # noqa: ANN401, ARG001 - nothing in it is random
    from genreclf.models.family_kernel import FamilyKernelSVC

    return FamilyKernelSVC(C=3, weights="size")


def _segment_vote(seed: int) -> Any:  # noqa: ANN401, ARG001 - nothing in it is random
    from genreclf.models.segments import SegmentVote

    return SegmentVote()


def _pooled(seed: int) -> Any:  # noqa: ANN401, ARG001
    from genreclf.models.segments import PooledLogistic

    return PooledLogistic()


def _dummy(strategy: str, seed: int) -> Any:  # noqa: ANN401
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy=strategy, random_state=seed)


_LABELS = "sklearn.preprocessing._label.LabelEncoder"
_DUMMY = Storage("sklearn.dummy.DummyClassifier", structure.check_dummy)

ENTRIES = (
    ModelSpec(
        name="svc",
        title="SVC",
        factory=_svc,
        space={
            "kernel": ("linear", "rbf", "poly"),
            "C": (0.1, 0.3, 1, 3, 10, 30),
            "gamma": ("scale", 0.001, 0.01, 0.1),
        },
        only_with={"gamma": ("kernel", ("rbf", "poly"))},
        study_macro_f1=StudyScore(default=0.5802, tuned=0.5992),
        cost=3,
        growth=2.0,
        storage=Storage("sklearn.svm._classes.SVC", structure.check_svc),
    ),
    ModelSpec(
        name="rf",
        title="Random forest",
        factory=_forest,
        space={
            "criterion": ("gini", "entropy"),
            "n_estimators": (100, 200, 300, 500),
            "class_weight": ("balanced", "balanced_subsample"),
        },
        light={"n_estimators": 125},
        study_macro_f1=StudyScore(default=0.5381, tuned=0.5623),
        # Half a node a track and tree, 128 bytes each, and more where genres are harder to tell apart: 6 GB.
        most_tracks=200_000,
        cost=20,
        growth=1.1,
        storage=Storage(
            "sklearn.ensemble._forest.RandomForestClassifier",
            structure.check_forest,
            parts=("sklearn.tree._classes.DecisionTreeClassifier", structure.TREE),
        ),
    ),
    ModelSpec(
        name="gb",
        title="Gradient boosting",
        factory=_boosting,
        space={
            "learning_rate": (0.05, 0.1, 0.15),
            "n_estimators": (50, 100, 200),
            "subsample": (0.5, 1.0),
            "max_depth": (3, 5, 7),
        },
        wide={"max_features": 185},  # tried for each split: as many as the study has
        light={"n_estimators": 50},
        study_macro_f1=StudyScore(default=0.5371, tuned=0.5713),
        cost=120,
        growth=1.1,
        storage=Storage(
            "sklearn.ensemble._gb.GradientBoostingClassifier",
            structure.check_gradient_boosting,
            parts=(
                "sklearn.dummy.DummyClassifier",
                "sklearn.tree._classes.DecisionTreeRegressor",
                structure.TREE,
                _LABELS,
            ),
            omitted=("_loss",),
        ),
    ),
    ModelSpec(
        name="logreg",
        title="Logistic regression",
        factory=_logistic,
        space={"C": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)},
        study_macro_f1=StudyScore(default=0.5306, tuned=0.5359),
        cost=0.3,
        storage=Storage("sklearn.linear_model._logistic.LogisticRegression", structure.check_logistic_regression),
    ),
    ModelSpec(
        name="catboost",
        title="CatBoost",
        factory=_catboost,
        # The study names no grid for CatBoost; these are the parameters that it reports, and their neighbours.
        space={"depth": (4, 6), "l2_leaf_reg": (0.0, 3.0), "bagging_temperature": (0.05, 1.0)},
        light={"iterations": 200},
        study_macro_f1=StudyScore(default=0.5976, tuned=0.5934),
        cost=50,
        storage=Storage("genreclf.models.catboost.CatBoost", structure.check_catboost),
    ),
    ModelSpec(
        name="histgb",
        title="Histogram boosting",
        factory=_histogram_boosting,
        space={"learning_rate": (0.05, 0.1, 0.15), "max_iter": (50, 100, 200), "max_leaf_nodes": (15, 31)},
        # On 200 tracks x 856 features 64 bins change macro-F1 by +0.4 points (95 % interval -1.5 to +2.2), 32 by -0.2
        # (-2.6 to +2.2), in 28 and 21 % of the time of 255; on 192 synthetic clips 64 by +1.9 (-2.0 to +5.7), in 30 %.
        wide={"max_bins": 64},
        light={"max_iter": 25},
        cost=6,
        storage=Storage(
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
            structure.check_histogram_boosting,
            parts=(
                "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
                "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
                _LABELS,
            ),
            omitted=("_loss",),
        ),
    ),
    ModelSpec(
        name="kernels",
        title="Multi-kernel SVC",
        factory=_family_kernels,
        space={"C": (1.0, 3.0, 10.0), "weights": ("size", "mean", "alignment")},
        limit=4.0,
        by_family=True,
        # The kernel matrix of 10,000 tracks is 800 MB; a fit holds 2.4 GB.
        most_tracks=10_000,
        cost=10,
        growth=2.1,
        storage=Storage("genreclf.models.family_kernel.FamilyKernelSVC", structure.check_family_kernels),
    ),
    ModelSpec(
        name="segments",
        title="Mean over segments",
        factory=_segment_vote,
        series=True,
        space={"C": (0.01, 0.1, 1.0), "seconds": (1.0, 3.0, 10.0)},
        cost=10,
        storage=Storage("genreclf.models.segments.SegmentVote", structure.check_averages),
    ),
    ModelSpec(
        name="pooled",
        title="Pooled series",
        factory=_pooled,
        series=True,
        space={"C": (0.001, 0.01, 0.1, 1.0)},
        cost=2,
        storage=Storage("genreclf.models.segments.PooledLogistic", structure.check_averages),
    ),
    ModelSpec(
        name="most_frequent",
        title="Most frequent genre",
        factory=partial(_dummy, "most_frequent"),
        baseline=True,
        cost=0.01,
        storage=_DUMMY,
    ),
    ModelSpec(
        name="stratified",
        title="Stratified guess",
        factory=partial(_dummy, "stratified"),
        baseline=True,
        cost=0.01,
        storage=_DUMMY,
    ),
)

STUDY_MODELS = tuple(entry.name for entry in ENTRIES if entry.study_macro_f1)
