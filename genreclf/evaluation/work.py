"""The work of a benchmark: what there is to fit, and the tables made of what comes back."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.errors import RequestError
from genreclf.evaluation.ablation import ablation_fits, ablation_rows, family_positions, importance_rows
from genreclf.evaluation.fitting import Data, Fit, Fitted
from genreclf.evaluation.hierarchy import Hierarchy
from genreclf.evaluation.label_issues import label_issue_frame, wrong_genre_frame
from genreclf.evaluation.leak import leak_rows
from genreclf.evaluation.learning_curve import learning_curve_fits, learning_curve_rows
from genreclf.evaluation.predictions import (
    Predictions,
    confusion_rows,
    gather,
    genre_rows,
    prediction_frame,
    probability_frame,
    repeat_frame,
    score_rows,
    test_rows,
)
from genreclf.evaluation.record import TRACK_COLUMNS
from genreclf.evaluation.retrieval import retrieval
from genreclf.evaluation.selection import Selection, select
from genreclf.evaluation.track_map import track_map
from genreclf.evaluation.tuning_gains import default_fits, tuning_gain_rows
from genreclf.evaluation.uncertainty import Jackknife

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client

    from genreclf.evaluation.groups import Groups
    from genreclf.evaluation.plans import Plan
    from genreclf.models.entry import ModelSpec
    from genreclf.progress import Progress
    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable

_MOST_TRACKS_OF_RETRIEVAL = 20_000


@dataclass(frozen=True, eq=False)
class Work:
    """A benchmark with every choice made.

    Parameters
    ----------
    table, groups : the usable tracks, and which of them must stay on one side.
    plans : the protocols on this table; ranking and ablation go by the first.
    models : their entries in the registry.
    series : of the tracks, for models of series.
    """

    table: FeatureTable
    groups: Groups
    plans: tuple[Plan, ...]
    models: tuple[ModelSpec, ...]
    seed: int
    probabilities: bool
    tune: bool
    ablate: bool
    learning_curve: bool
    draws: int
    series: Series | None = None

    @cached_property
    def positions(self) -> dict[str, np.ndarray]:
        """The positions of each family's features."""
        return family_positions(self.table.features, self.table.families)

    @cached_property
    def data(self) -> Data:
        """What is fitted on."""
        genres = np.array(self.table.genres)
        codes = np.searchsorted(genres, self.table.y.astype(str))
        groups, families = self.groups, self.table.family_numbers
        return Data(self.table.X, codes, len(genres), groups.recordings, groups.artists, families, self.series)

    @cached_property
    def fits(self) -> list[Fit]:
        """The fits on the first division of the folds: each model on each fold of each plan, and the ablation's."""
        found = [fit for model in self.models for fit in self._fits(model, 0)]
        found += default_fits([fit for fit in found if fit.protocol == self.plans[0].protocol])
        if self.ablate:
            models = [model for model in self.models if not model.series]
            found += ablation_fits(self.plans[0], models, self.positions, seed=self.seed, tuned=self.tune)
        if self.learning_curve:
            groups, features = self.groups.widest, len(self.table.features)
            options = {"features": features, "seed": self.seed}
            found += learning_curve_fits(self.plans[0], self.models, self.data.y, groups, **options)
        return found

    def repeats(self, models: Collection[str]) -> list[Fit]:
        """The fits of some models on the further divisions."""
        number = max(len(made.repeats) for made in self.plans)
        chosen = [model for model in self.models if model.name in models]
        return [fit for model in chosen for repeat in range(1, number) for fit in self._fits(model, repeat)]

    def _fits(self, model: ModelSpec, repeat: int) -> list[Fit]:
        return [
            Fit(
                made.protocol,
                number,
                model,
                fold,
                columns=np.arange(len(self.table.features)),
                grouped=made.grouped,
                calibrate=self.probabilities,
                tune=self.tune,
                families=() if repeat else self._shuffled_families(made, model),
                seed=(self.seed + repeat) % 2**32,
                repeat=repeat,
            )
            for made in self.plans
            for number, fold in enumerate(made.repeats[repeat] if repeat < len(made.repeats) else (), start=1)
        ]

    def _shuffled_families(self, made: Plan, model: ModelSpec) -> tuple[np.ndarray, ...]:
        shuffle = self.ablate and made is self.plans[0] and not (model.baseline or model.series)
        return tuple(self.positions.values()) if shuffle else ()

    def contenders(self, outcomes: Sequence[tuple[Fit, Fitted]]) -> set[str]:
        """The models that may be the best by the outcomes of `fits`, under the first protocol."""
        found = self._predictions(self.plans[0], [(fit, fitted) for fit, fitted in outcomes if not fit.step])
        return {model for model, member in zip(found.ranked, found.best.members, strict=True) if member}

    def selection(self, *, jobs: int | None, client: Client | None, progress: Progress) -> Selection:
        """The choice of the best model under the first protocol, made inside its folds."""
        models = [model for model in self.models if not model.baseline]
        return select(self.plans[0], models, self.data, seed=self.seed, jobs=jobs, client=client, progress=progress)

    def jackknife(self, made: Plan) -> Jackknife:
        """The tested tracks of a plan by their groups."""
        groups, y = self.groups.independent(made.tested), self.data.y[made.tested]
        return Jackknife.over(y, groups, len(self.table.genres), trained=len(made.folds) > 1)

    def tables(self, outcomes: Sequence[tuple[Fit, Fitted]], progress: Progress) -> dict[str, pd.DataFrame]:
        """The tables of a `Comparison`, from fits and what came of them."""
        progress.begin("scoring predictions", len(self.plans) * len(self.models))
        try:
            return self._tables(outcomes, progress)
        finally:
            progress.end()

    def _tables(self, outcomes: Sequence[tuple[Fit, Fitted]], progress: Progress) -> dict[str, pd.DataFrame]:
        import pandas as pd

        main = [(fit, fitted) for fit, fitted in outcomes if not fit.step]
        predictions = [self._predictions(made, main) for made in self.plans]
        hierarchy = Hierarchy.of(self.table.genres, self.table.parents) if self.table.parents else None
        rows: dict[str, list[dict[str, Any]]] = {
            "scores": [row for part in predictions for row in score_rows(part, progress, hierarchy=hierarchy)],
            "genre_scores": [row for part in predictions for row in genre_rows(part)],
            "confusion": [row for part in predictions for row in confusion_rows(part)],
            "tests": [row for part in predictions for row in test_rows(part)],
            "leak": self._leak(predictions),
            "ablation": ablation_rows(predictions[0], outcomes, self.positions) if self.ablate else [],
            "importance": importance_rows(predictions[0], main, list(self.positions)) if self.ablate else [],
            "learning_curve": self._learning_curve(predictions[0], outcomes),
            "tuning_gains": tuning_gain_rows(predictions[0], outcomes) if self.tune else [],
            "trials": [row for fit, fitted in main if not fit.repeat for row in _trials(fit, fitted)],
            "tuning": [row for fit, fitted in main for row in _tuning(fit, fitted)],
        }
        ids = self.table.ids
        probabilities = [probability_frame(part, ids) for part in predictions] if self.probabilities else []
        repeats = [repeat_frame(part, ids) for part in predictions]
        return {name: pd.DataFrame(found) for name, found in rows.items()} | {
            "predictions": pd.concat([prediction_frame(part, ids) for part in predictions], ignore_index=True),
            "repeats": pd.concat([pd.DataFrame(), *repeats], ignore_index=True),
            "probabilities": pd.concat([pd.DataFrame(), *probabilities], ignore_index=True),
            "tracks": self._tracks(predictions),
            "retrieval": self._retrieval(),
            "label_issues": label_issue_frame(predictions[0], self.table),
        }

    def _retrieval(self) -> pd.DataFrame:
        """Retrieval scores; none where there are too many pairs of tracks, or too few tracks of a genre for folds."""
        import pandas as pd

        if len(self.table) > _MOST_TRACKS_OF_RETRIEVAL:
            return pd.DataFrame()
        try:
            return retrieval(self.table, seed=self.seed)
        except RequestError:
            return pd.DataFrame()

    def _predictions(self, made: Plan, outcomes: Sequence[tuple[Fit, Fitted]]) -> Predictions:
        here = [(fit, fitted) for fit, fitted in outcomes if fit.protocol == made.protocol]
        return gather(made, self.table.genres, here, self.jackknife(made), draws=self.draws, seed=self.seed)

    def _leak(self, predictions: Sequence[Predictions]) -> list[dict[str, Any]]:
        by_protocol = {part.protocol: part for part in predictions}
        if not {"cv-artist", "cv-random"} <= set(by_protocol):
            return []
        return leak_rows(by_protocol["cv-artist"], by_protocol["cv-random"], self.groups.widest)

    def _learning_curve(self, first: Predictions, outcomes: Sequence[tuple[Fit, Fitted]]) -> list[dict[str, Any]]:
        if not self.learning_curve:
            return []
        return learning_curve_rows(first, outcomes, self.groups.widest, seed=self.seed)

    def _tracks(self, predictions: Sequence[Predictions]) -> pd.DataFrame:
        """The tested tracks, with their places on the map."""
        rows = np.unique(np.concatenate([part.rows for part in predictions]))
        known = [name for name in TRACK_COLUMNS if name in self.table.frame]
        tracks = self.table.frame[["track_id", "genre", *known]].iloc[rows].reset_index(drop=True)
        places = track_map(self.table.filled, self.data.y)[rows]
        tracks = tracks.assign(map_x=np.round(places[:, 0], 4), map_y=np.round(places[:, 1], 4))
        return tracks.merge(wrong_genre_frame(predictions[0], self.table.ids), on="track_id", how="left")


def _trials(fit: Fit, fitted: Fitted) -> list[dict[str, Any]]:
    """The rows of the table ``trials`` for one fit."""
    return [
        {
            "protocol": fit.protocol,
            "model": fit.model,
            "fold": fit.number,
            "trial": number,
            "epochs": trial.epochs,
            "ended": trial.ended,
            "pruned": trial.pruned,
            "loss": trial.loss if np.isfinite(trial.loss) else None,
            "macro_f1": trial.macro_f1 if np.isfinite(trial.macro_f1) else None,
            "parameters": json.dumps(trial.parameters, sort_keys=True),
        }
        for number, trial in enumerate(fitted.trials, start=1)
    ]


def _tuning(fit: Fit, fitted: Fitted) -> list[dict[str, Any]]:
    """The row of the table ``tuning`` for one fit, if its parameters were searched."""
    if fitted.parameters is None:
        return []
    return [
        {
            "protocol": fit.protocol,
            "model": fit.model,
            "fold": fit.number,
            "parameters": json.dumps(fitted.parameters, sort_keys=True),
            "inner_macro_f1": fitted.inner_macro_f1,
        }
    ]
