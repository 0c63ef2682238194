"""The zoo: the models that genreclf compares, each under one name.

A model of the zoo is a scikit-learn pipeline that standardises the features first and is seeded. `MODELS` is the
one registry; a new model is one new entry in `genreclf.models.zoo`.
"""

from __future__ import annotations

from genreclf.models.zoo import BASELINES, MODELS, STUDY_MODELS, ModelSpec, StudyScore, build, spec

__all__ = ["BASELINES", "MODELS", "STUDY_MODELS", "ModelSpec", "StudyScore", "build", "spec"]
