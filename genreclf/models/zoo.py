"""The registry of models: name, title, factory, search space, and what the study reported.

Parameters are those of the study on FMA-small (8,000 clips, 75/25 split), where it gives any. scikit-learn and
CatBoost are imported when a model is built, so that listing the names costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from genreclf.errors import RequestError, nearest

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


class StudyScore(NamedTuple):
    """Macro-F1 that the study published for its test tracks, as a share from 0 to 1."""

    default: float
    tuned: float


@dataclass(frozen=True)
class ModelSpec:
    """One model of the zoo.

    Parameters
    ----------
    name : what it is called on the command line and in tables.
    title : what it is called in texts and pictures.
    factory : seed -> scikit-learn classifier, on one thread, not fitted.
    space : values to search, by the classifier's own parameter names; empty where there is nothing to search.
    baseline : whether it ignores the features; a baseline is shown, and never ranked best.
    study_macro_f1 : what the study reported, where it used the model.
    cost : seconds to fit 6,000 tracks of 57 features, roughly; the longest fits are started first.
    threaded : whether `genreclf.models.boosting.on_threads` can fit it on several threads with the same values.
    """

    name: str
    title: str
    factory: Callable[[int], Any]
    space: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    baseline: bool = False
    study_macro_f1: StudyScore | None = None
    cost: float = 1.0
    threaded: bool = False

    @property
    def grid(self) -> dict[str, list[Any]]:
        """The search space by the parameter names of the pipeline that `build` returns."""
        return {f"model__{name}": list(values) for name, values in self.space.items()}


def build(name: str, seed: int = 42) -> Pipeline:
    """Make a model of the zoo: a pipeline of standardisation (``scale``) and classifier (``model``).

    Raises
    ------
    RequestError : there is no model of that name.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline([("scale", StandardScaler()), ("model", spec(name).factory(seed))])


def spec(name: str) -> ModelSpec:
    """The entry of a model.

    Raises
    ------
    RequestError : there is no model of that name.
    """
    if name not in MODELS:
        raise RequestError(f"unknown model {name!r}; choose from {', '.join(MODELS)}{_meant(name)}")
    return MODELS[name]


def _meant(name: str) -> str:
    """What a mistyped name may have meant; titles count, so that ``random_forest`` finds ``rf``."""
    titles = {entry.title.casefold().replace(" ", "_"): key for key, entry in MODELS.items()}
    near = nearest(name, MODELS) or nearest(name.replace(" ", "_"), titles)
    return next((f"; did you mean {key!r}?" for title, key in titles.items() if repr(title) in near), near)


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


def _dummy(strategy: str) -> Callable[[int], Any]:
    def factory(seed: int) -> Any:  # noqa: ANN401
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy=strategy, random_state=seed)

    return factory


def _registry(specs: Iterable[ModelSpec]) -> dict[str, ModelSpec]:
    return {entry.name: entry for entry in specs}


MODELS: dict[str, ModelSpec] = _registry(
    (
        ModelSpec(
            name="svc",
            title="SVC",
            factory=_svc,
            space={"kernel": ("linear", "rbf", "poly"), "C": (0.1, 0.3, 1, 3, 10)},
            study_macro_f1=StudyScore(default=0.5802, tuned=0.5992),
            cost=3,
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
            study_macro_f1=StudyScore(default=0.5381, tuned=0.5623),
            cost=20,
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
            study_macro_f1=StudyScore(default=0.5371, tuned=0.5713),
            cost=120,
            threaded=True,
        ),
        ModelSpec(
            name="logreg",
            title="Logistic regression",
            factory=_logistic,
            space={"C": (0.001, 0.003, 0.01, 0.03, 0.1), "solver": ("lbfgs", "newton-cg")},
            study_macro_f1=StudyScore(default=0.5306, tuned=0.5359),
            cost=0.3,
        ),
        ModelSpec(
            name="catboost",
            title="CatBoost",
            factory=_catboost,
            # The study names no grid for CatBoost; these are the parameters that it reports, and their neighbours.
            space={"depth": (4, 6), "l2_leaf_reg": (0.0, 3.0), "bagging_temperature": (0.05, 1.0)},
            study_macro_f1=StudyScore(default=0.5976, tuned=0.5934),
            cost=50,
        ),
        ModelSpec(
            name="histgb",
            title="Histogram boosting",
            factory=_histogram_boosting,
            space={"learning_rate": (0.05, 0.1, 0.15), "max_iter": (50, 100, 200), "max_leaf_nodes": (15, 31)},
            cost=6,
        ),
        ModelSpec(
            name="most_frequent",
            title="Most frequent genre",
            factory=_dummy("most_frequent"),
            baseline=True,
            cost=0.01,
        ),
        ModelSpec(name="stratified", title="Stratified guess", factory=_dummy("stratified"), baseline=True, cost=0.01),
    )
)

STUDY_MODELS = tuple(name for name, entry in MODELS.items() if entry.study_macro_f1)
BASELINES = tuple(name for name, entry in MODELS.items() if entry.baseline)
