"""Models: what genreclf compares, each under one name.

A model is a scikit-learn pipeline that standardises the features first and is seeded. `MODELS` is the one registry;
`register` adds to it, and so do the entry points ``genreclf.models`` of installed packages.
"""

from __future__ import annotations

from genreclf.models.entry import ModelSpec, Storage, StudyScore
from genreclf.models.registry import (
    MODELS,
    build,
    is_baseline,
    register,
    resolve,
    resolve_all,
    spec,
    title_of,
)
from genreclf.models.zoo import STUDY_MODELS

__all__ = [
    "MODELS",
    "STUDY_MODELS",
    "ModelSpec",
    "Storage",
    "StudyScore",
    "build",
    "is_baseline",
    "register",
    "resolve",
    "resolve_all",
    "spec",
    "title_of",
]
