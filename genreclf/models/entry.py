"""An entry of the registry of models: what is fitted, what is searched, and how it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from genreclf.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

Check = Callable[[Any, int, int], None]

WIDE = 200  # features; the study's 185 are not wide


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
    tensors : the attribute, arrays by name, that is kept beside the estimator as safetensors; empty for none.
    """

    type: str
    check: Check
    parts: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    tensors: str = ""


@dataclass(frozen=True)
class ModelSpec:
    """One model.

    Parameters
    ----------
    name : what it is called on the command line and in tables.
    title : what it is called in texts and pictures.
    factory : seed -> scikit-learn classifier, on one thread, not fitted.
    series : whether its X is a `genreclf.series.Series` of the tracks in place of their features; it then standardises
        by itself.
    space : values to search, by the classifier's own parameter names; empty where there is nothing to search.
    only_with : for a parameter that other values leave without effect, what gives it one: its name -> the name and the
        values of the parameter that it depends on.
    limit : standardised features are clipped at this many standard deviations on either side; None leaves them.
    by_family : whether the classifier has a parameter ``families``, which is set to the family of each feature.
    wide : parameters that differ for tables of more than `WIDE` features.
    light : parameters that make it cheaper, such as fewer trees, to choose among models by; empty where it is cheap.
    most_tracks : what takes too much memory with more tracks is not fitted unless it is named, and then with a note;
        None for no limit.
    extra : the extra of genreclf that fitting it needs; a comparison of all models leaves it out. Empty for none.
    packages : what has to be installed to fit it, by the names of modules: the line that installs each.
    by_epochs : whether the classifier is trained by epochs. Then its `fit` takes ``groups``, (tracks,), what must not
        stand both among the tracks that it is fitted to and among those that tell it when to stop; and a search gives
        parameters up that fall behind, see `genreclf.models.neural.search`.
    baseline : whether it ignores the features; a baseline is shown, and never ranked best.
    study_macro_f1 : what the study reported, where it used the model.
    cost : seconds to fit 6,000 tracks of 57 features, roughly; the longest fits are started first.
    growth : the power of the number of tracks that this time grows with.
    storage : how it is stored; None for a model that can be compared but not stored.
    """

    name: str
    title: str
    factory: Callable[[int], Any]
    space: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    only_with: Mapping[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)
    series: bool = False
    limit: float | None = None
    by_family: bool = False
    wide: Mapping[str, Any] = field(default_factory=dict)
    light: Mapping[str, Any] = field(default_factory=dict)
    most_tracks: int | None = None
    extra: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    by_epochs: bool = False
    baseline: bool = False
    study_macro_f1: StudyScore | None = None
    cost: float = 1.0
    growth: float = 1.0
    storage: Storage | None = None

    @property
    def grid(self) -> list[dict[str, list[Any]]]:
        """The search space as scikit-learn's `ParameterGrid` takes it, by the parameter names of `build`'s pipeline."""
        grids: list[dict[str, tuple[Any, ...]]] = [dict(self.space)]
        for name, (other, effective) in self.only_with.items():
            split: list[dict[str, tuple[Any, ...]]] = []
            for grid in grids:
                if name not in grid:
                    split.append(grid)
                    continue
                without = {key: values for key, values in grid.items() if key != name}
                rest = tuple(value for value in grid[other] if value not in effective)
                split += [grid | {other: effective}, without | {other: rest}]
            grids = split
        return [{f"model__{name}": list(values) for name, values in grid.items()} for grid in grids]

    def build(self, seed: int = 42, *, families: np.ndarray | None = None, impute: bool = False) -> Pipeline:
        """A pipeline of standardisation (``scale``) and classifier (``model``), not fitted.

        Of a model of series it has the classifier alone.

        Parameters
        ----------
        families : (features,), the number of each feature's family, as `FeatureTable.family_numbers` has them; None
            takes the features, however many there are, as one family.
        impute : begin with a step (``impute``) that fills empty cells by medians.
        """
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        from genreclf.models.scaling import ClippedScaler

        classifier = self.factory(seed)
        if self.series:
            return Pipeline([("model", classifier)])
        if families is not None:
            parameters = dict(self.wide) if len(families) > WIDE else {}
            if self.by_family:
                parameters["families"] = tuple(int(number) for number in families)
            classifier.set_params(**parameters)
        scaler = StandardScaler() if self.limit is None else ClippedScaler(limit=self.limit)
        steps: list[tuple[str, Any]] = [("scale", scaler), ("model", classifier)]
        if impute:
            from genreclf.models.imputation import MedianImputer

            steps.insert(0, ("impute", MedianImputer()))
        return Pipeline(steps)

    def plain_parameters(self, pipeline: Pipeline) -> dict[str, str | int | float | bool | None]:
        """The classifier's parameters as JSON can hold them, except families, which follow from the features' names."""
        parameters = dict(pipeline.named_steps["model"].get_params())
        if self.by_family:
            del parameters["families"]
        plain = (str, int, float, bool, type(None))
        return {name: value if isinstance(value, plain) else repr(value) for name, value in parameters.items()}

    def seconds(self, tracks: int, features: int) -> float:
        """How long one core may take to fit it: a rough estimate from `cost` and `growth`."""
        return float(self.cost * (tracks / 6000) ** self.growth * features / 57)

    @property
    def takes_class_weight(self) -> bool:
        """Whether the classifier has a parameter ``class_weight``."""
        return "class_weight" in self.factory(0).get_params()

    def with_class_weight(self, class_weight: str | None) -> ModelSpec:
        """The same model with class weights, ``balanced`` or None, which are then not searched.

        A model that takes none stays as it is.
        """
        if not self.takes_class_weight:
            return self
        space = {name: values for name, values in self.space.items() if name != "class_weight"}
        return replace(self, factory=partial(_built, self.factory, {"class_weight": class_weight}), space=space)

    def check_installed(self) -> None:
        """Raise a `RequestError` where a package that fitting it needs is missing."""
        for package, line in self.packages.items():
            if not _is_installed(package):
                raise RequestError(f"{self.name} needs {package}, which is not installed: {line}")

    @property
    def lighter(self) -> ModelSpec:
        """The same model with its `light` parameters."""
        return replace(self, factory=partial(_built, self.factory, self.light)) if self.light else self


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _built(factory: Callable[[int], Any], parameters: Mapping[str, Any], seed: int) -> Any:  # noqa: ANN401
    return factory(seed).set_params(**parameters)
