"""The registry of models, and the way from a name or a scikit-learn classifier to an entry.

Entries come from `genreclf.models.zoo`, from `register`, and from the entry points ``genreclf.models`` of installed
packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError, nearest, one_line, unknown
from genreclf.models.entry import ModelSpec
from genreclf.models.neural.entries import ENTRIES as NEURAL
from genreclf.models.zoo import ENTRIES
from genreclf.plugins import Registry

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

MODELS: Registry[ModelSpec] = Registry("model", ModelSpec, (*ENTRIES, *NEURAL), group="genreclf.models")
register = MODELS.register
_KIN = dict.fromkeys(("xgboost", "xgb", "lightgbm", "lgbm"), "histgb")  # models of other libraries
CLASS_WEIGHTS = ("balanced", "none")


def spec(name: str) -> ModelSpec:
    """The entry of a model.

    Raises
    ------
    RequestError : there is none of that name, in any case; titles count as near: ``random_forest`` finds ``rf``.
    """
    known = {key.casefold(): key for key in MODELS}
    if name not in MODELS and name.casefold() not in known:
        raise RequestError(f"unknown model {name!r}; choose from {', '.join(MODELS)}{_meant(name)}")
    return MODELS[name if name in MODELS else known[name.casefold()]]


def build(name: str, seed: int = 42, *, families: np.ndarray | None = None) -> Pipeline:
    """Make a model: a pipeline of standardisation (``scale``) and classifier (``model``), not fitted.

    Parameters
    ----------
    families : (features,), the number of each feature's family, for models that go by it, see `ModelSpec.build`.

    Raises
    ------
    RequestError : there is no model of that name.
    """
    return spec(name).build(seed, families=families)


def resolve(model: Any) -> ModelSpec:  # noqa: ANN401 - scikit-learn has no types
    """The entry of a name, or one made for a scikit-learn classifier, which is named by its class.

    Raises
    ------
    RequestError : there is no model of that name, it is something else, or what it is fitted with is not installed.
    """
    if isinstance(model, str):
        model = spec(model)
    if isinstance(model, ModelSpec):
        model.check_installed()
        return model
    from sklearn.base import is_classifier

    if isinstance(model, type) or not hasattr(model, "get_params") or not is_classifier(model):
        raise RequestError(
            f"{one_line(repr(model), longest=60)} is not a model; give a name or a scikit-learn classifier"
        )
    return ModelSpec(type(model).__name__, one_line(repr(model), longest=60), partial(_copy, model))


def resolve_all(models: object) -> tuple[ModelSpec, ...]:
    """The entries of one or several models, all that need no extra for None; classifiers of one class are numbered.

    Raises
    ------
    RequestError : one of them is no model, or there is none.
    """
    found: dict[str, ModelSpec] = {}
    if models is None:
        models = [name for name, entry in MODELS.items() if not entry.extra]
    for model in models if isinstance(models, Iterable) and not isinstance(models, str) else (models,):
        entry = resolve(model)
        if entry.name in found and found[entry.name] != entry:
            number = next(n for n in range(2, len(found) + 3) if f"{entry.name}-{n}" not in found)
            entry = replace(entry, name=f"{entry.name}-{number}")
        found[entry.name] = entry
    if not found:
        raise RequestError(f"no model to compare; choose from {', '.join(MODELS)}")
    return tuple(found.values())


def weighted(entries: Sequence[ModelSpec], class_weight: str | None) -> tuple[tuple[ModelSpec, ...], list[str]]:
    """The entries with class weights, and a note on those that take none.

    Parameters
    ----------
    class_weight : ``balanced``, ``none``, or None to leave every model as it is registered.

    Raises
    ------
    RequestError : it is something else.
    """
    if class_weight is None:
        return tuple(entries), []
    if class_weight not in CLASS_WEIGHTS:
        raise unknown("class_weight", class_weight, CLASS_WEIGHTS)
    without = [entry.name for entry in entries if not (entry.baseline or entry.takes_class_weight)]
    note = f"`class_weight={class_weight}` has no effect on models that take no class weights: {', '.join(without)}"
    chosen = None if class_weight == "none" else class_weight
    return tuple(entry.with_class_weight(chosen) for entry in entries), [note] if without else []


def is_baseline(name: str) -> bool:
    """Whether a model ignores the features; False for one that is not registered here."""
    return name in MODELS and MODELS[name].baseline


def title_of(name: str) -> str:
    """What a model is called in texts; the name itself for one that is not registered here."""
    return MODELS[name].title if name in MODELS else name


def _copy(model: Any, seed: int) -> Any:  # noqa: ANN401
    """An unfitted copy of a classifier, seeded unless it has a seed."""
    from sklearn.base import clone

    copy = clone(model)
    unseeded = [name for name, value in copy.get_params().items() if name.endswith("random_state") and value is None]
    return copy.set_params(**dict.fromkeys(unseeded, seed))


def _meant(name: str) -> str:
    if kin := _KIN.get(name.casefold()):
        return f"; {kin!r} is of the same kind"
    titles = {entry.title.casefold().replace(" ", "_"): key for key, entry in MODELS.items()}
    near = nearest(name, MODELS) or nearest(name.replace(" ", "_"), titles)
    return next((f"; did you mean {key!r}?" for title, key in titles.items() if repr(title) in near), near)
