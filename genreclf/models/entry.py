"""An entry of the registry of models: what is fitted, what is searched, and how it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Check = Callable[[Any, int, int], None]


class StudyScore(NamedTuple):
    """Macro-F1 that the study published for its test tracks, as a share from 0 to 1."""

    default: float
    tuned: float


@dataclass(frozen=True)
class Storage:
    """How a fitted classifier is stored in a model file and what it must be when it is read from one.

    A file may come from a stranger. Nothing but the types named here is built from it, and `check` runs before the
    classifier is used: compiled code follows the indices that an estimator holds without looking.

    Parameters
    ----------
    type : full name of the classifier's type, as ``type(c).__module__`` and ``type(c).__qualname__`` give it.
    check : (classifier, features, genres) -> None; raises `ValueError` unless the attributes that predictions use
        have the shapes and values that they must have. `genreclf.models.bundle.structure` has the common conditions.
    parts : full names of the other types inside a fitted classifier.
    omitted : attributes that are left out of the file; `check` restores those that predictions use.
    """

    type: str
    check: Check
    parts: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSpec:
    """One model.

    Parameters
    ----------
    name : what it is called on the command line and in tables.
    title : what it is called in texts and pictures.
    factory : seed -> scikit-learn classifier, on one thread, not fitted.
    space : values to search, by the classifier's own parameter names; empty where there is nothing to search.
    baseline : whether it ignores the features; a baseline is shown, and never ranked best.
    study_macro_f1 : what the study reported, where it used the model.
    cost : seconds to fit 6,000 tracks of 57 features, roughly; the longest fits are started first.
    storage : how it is stored; None for a model that can be compared but not stored.
    """

    name: str
    title: str
    factory: Callable[[int], Any]
    space: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    baseline: bool = False
    study_macro_f1: StudyScore | None = None
    cost: float = 1.0
    storage: Storage | None = None

    @property
    def grid(self) -> dict[str, list[Any]]:
        """The search space by the parameter names of the pipeline that `build` returns."""
        return {f"model__{name}": list(values) for name, values in self.space.items()}

    def build(self, seed: int = 42) -> Pipeline:
        """A pipeline of standardisation (``scale``) and classifier (``model``), not fitted."""
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        return Pipeline([("scale", StandardScaler()), ("model", self.factory(seed))])
