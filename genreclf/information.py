"""Information on what genreclf makes: what it is, made when, from what, with which settings, and what to expect of it.

The same facts are shown as lines, as JSON, as Markdown and in notebooks; that of a model is a model card in the layout
of Hugging Face (Mitchell and others 2019, Model Cards for Model Reporting).
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError, one_line
from genreclf.pages.blocks import Cell, Section, Table
from genreclf.pages.markdown import escaped, section_lines
from genreclf.tables.columns import family_of
from genreclf.tables.parquet import is_parquet

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison
    from genreclf.models.bundle.manifest import BundleManifest, HeldOutSummary
    from genreclf.prediction import TrackPredictor
    from genreclf.similarity.querying import Searchable
    from genreclf.tables.table import FeatureTable

Facts = Mapping[str, Any]

INTENDED = (
    "Sorting and searching collections of music like the training tracks, with a listener to check what matters; "
    "teaching and comparison of methods."
)
LIMITS = (
    "It knows no genre but its own: music of another genre gets one of these, unless a confidence is asked for.",
    "Genres are those of the training collection's labels, about which listeners disagree.",
    "Probabilities hold for music like the training tracks, in their proportions; heed unlike_training elsewhere.",
    "It is no measure of musical quality, and no ground for decisions about people.",
)
_COVERAGES = (50, 60, 70, 80, 90, 100)
_LEVELS = (80, 90, 95)
_UNCALIBRATED = "uncalibrated_"


@dataclass(frozen=True)
class Information:
    """What is known of a file, a folder or an object.

    Parameters
    ----------
    kind : ``model``, ``index``, ``table`` or ``report``.
    path : where it is; of an object, its name.
    sections : facts by the title of their section; plain values, lists and dictionaries.
    """

    kind: str
    path: str
    sections: Mapping[str, Facts]

    def as_json(self) -> dict[str, Any]:
        """Plain values: ``kind``, ``path``, then an object for each section."""
        return {"kind": self.kind, "path": self.path, **{name: dict(facts) for name, facts in self.sections.items()}}

    def as_text(self) -> str:
        """A block of lines for each section."""
        lines = [f"{self.path}: {self.kind}"]
        for section, facts in self.sections.items():
            lines += ["", section]
            for name, value in facts.items():
                if _is_table(value):
                    lines += [f"  {name}", *(f"    {key}: {_shown(row)}" for key, row in value.items())]
                else:
                    lines.append(f"  {name}: {_shown(value)}")
        return "\n".join(lines)

    def as_markdown(self) -> str:
        """A page in Markdown; of a model, a card with the metadata that Hugging Face reads in front."""
        front = _front_matter(self.sections) if self.kind == "model" else []
        lines = [*front, f"# {escaped(self.title)}", ""]
        for section in self.as_sections():
            lines += section_lines(section, 2)
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"

    @property
    def title(self) -> str:
        """What a model does; of everything else, where it is."""
        return str(self.sections["model"]["title"]) if self.kind == "model" else self.path

    def as_sections(self) -> list[Section]:
        """The parts of a page."""
        return [
            Section(
                section,
                section.capitalize(),
                facts=[(name, _shown(value)) for name, value in facts.items() if not _is_table(value)],
                tables=[_table(name, rows) for name, rows in facts.items() if _is_table(rows)],
            )
            for section, facts in self.sections.items()
        ]


def information(source: object) -> Information:
    """Say what a model, an index, a feature table or a report is.

    Parameters
    ----------
    source : a path of one; or the object, a `genreclf.Predictor`, `genreclf.Bundle`, `genreclf.Index`,
        `genreclf.FeatureTable` or `genreclf.Comparison`.

    Raises
    ------
    RequestError : it is none of these, or cannot be used; the line says why.
    """
    if not isinstance(source, str | os.PathLike):
        return _of_object(source)
    from genreclf.datasets import open_table
    from genreclf.evaluation.comparison import Comparison
    from genreclf.loading import load
    from genreclf.similarity.indexing import is_index, open_index

    path = Path(source)
    if is_index(path):
        size = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
        made = {"file": path.name, "bytes": size, "made": _changed(path)}
        return Information("index", str(path), _index(open_index(path), made))
    if path.is_dir():
        if not is_parquet(path):
            return Information("report", str(path), _report(Comparison.read(path)))
        size = sum(part.stat().st_size for part in path.iterdir())
        facts = _table_facts(open_table(path), {"file": path.name, "bytes": size, "made": _changed(path)})
        return Information("table", str(path), facts)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path}: {(error.strerror or 'it cannot be read').lower()}") from None
    made = {"file": path.name, "bytes": len(content)}
    if content.startswith(b"PK"):
        return Information("model", str(path), _model(load(path), made))
    return Information("table", str(path), _table_facts(open_table(path), made | {"made": _changed(path)}))


def _of_object(source: object) -> Information:
    from genreclf.evaluation.comparison import Comparison
    from genreclf.models.bundle.bundle import Bundle
    from genreclf.prediction import TrackPredictor
    from genreclf.similarity.querying import Searchable
    from genreclf.tables.table import FeatureTable

    match source:
        case Comparison():
            return Information("report", repr(source), _report(source))
        case Bundle():
            return _of_object(TrackPredictor(source))
        case TrackPredictor():
            return Information("model", source.model_id, _model(source, {}))
        case Searchable():
            return Information("index", repr(source), _index(source, {}))
        case FeatureTable():
            return Information("table", source.name, _table_facts(source, {}))
    raise RequestError(
        f"{one_line(repr(source), longest=60)}: give a path, or a model, an index, a feature table or a comparison"
    )


def _model(predictor: TrackPredictor, made: Facts) -> dict[str, Facts]:
    from genreclf.models import title_of

    predictor.prepare()  # a model that cannot be used is refused here, too
    manifest = predictor.manifest
    model = {
        "title": f"{title_of(manifest.model)} for {len(manifest.genres)} {manifest.labels} of music",
        "name": manifest.model,
        "id": predictor.model_id,
        **made,
        "format": manifest.format,
        "made": manifest.created,
        "parameters": manifest.parameters,
        "tuned": manifest.tuned,
        "seed": manifest.seed,
        "licence": manifest.licence,
        "notes": manifest.notes,
    }
    header = manifest.series
    families = dict.fromkeys(family_of(name) for name in manifest.features)
    features: dict[str, Any] = {
        "feature set": manifest.feature_set or "a table from elsewhere; audio cannot be predicted",
        "features": len(manifest.features),
        "families": list(families),
    }
    if header is not None:
        features = {"series": header.kind, "bins": header.bins, "frames/s": round(header.frame_rate, 4)}
    parameters = manifest.feature_parameters if header is None else header.parameters
    features.update({str(name): value for name, value in parameters.items()})
    counts = {genre: {"tracks": c.tracks, "artists": c.artists} for genre, c in manifest.genre_counts.items()}
    training = {**manifest.table, "genres": counts or list(manifest.genres)}
    use = {"intended": INTENDED, "limits": list(LIMITS)}
    return {
        "model": model,
        "use": use,
        "features": features,
        "training": training,
        "evaluation": _evaluation(manifest),
        "calibration": _calibration(manifest),
        "versions": manifest.versions,
    }


def _evaluation(manifest: BundleManifest) -> dict[str, Any]:
    """The scores of the comparison that chose the model, where one did, and those of its own held-out predictions."""
    found: dict[str, Any] = {f"comparison {name}".replace("_", " "): value for name, value in manifest.scores.items()}
    held_out = manifest.held_out
    if held_out is None:
        return found or {"scores": "none: train it again without --no-calibrate, or with --model best"}
    found["held-out protocol"] = held_out.protocol
    for name in ("macro_f1", "accuracy"):
        value, low, high = (held_out.scores.get(f"{name}{end}") for end in ("", "_low", "_high"))
        found[name.replace("_", " ")] = {"value": value, "95 % interval": [low, high]}
    return found


def _calibration(manifest: BundleManifest) -> dict[str, Any]:
    held_out = manifest.held_out
    method = manifest.calibration or ("sigmoid" if manifest.calibrated else "the model's own probabilities")
    if held_out is None:
        return {"method": method, "unknown here": "coverage, sets and unlike_training; the file holds confidence only"}
    return {"method": method, **_before_and_after(held_out), **_thresholds(held_out)}


def _before_and_after(held_out: HeldOutSummary) -> dict[str, Any]:
    names = ("log_loss", "brier_score", "calibration_error", "aurc")
    scores = {name: held_out.scores.get(name) for name in names}
    before = {name: held_out.scores.get(f"{_UNCALIBRATED}{name}") for name in names}
    if all(value is None for value in before.values()):
        return {"held-out scores": {name: {"calibrated": scores[name]} for name in names}}
    return {"held-out scores": {name: {"before": before[name], "calibrated": scores[name]} for name in names}}


def _thresholds(held_out: HeldOutSummary) -> dict[str, Any]:
    coverage = {
        f"{percent} %": {"confidence": held_out.thresholds[percent], "accuracy": held_out.accuracies[percent]}
        for percent in _COVERAGES
    }
    sets = {f"{percent} %": {"least probability": held_out.set_thresholds[percent - 1]} for percent in _LEVELS}
    return {"tracks answered": coverage, "sets that hold the genre": sets}


def _index(index: Searchable, made: Facts) -> dict[str, Facts]:
    return {
        "index": {**made, "tracks": len(index), "dimensions": index.dimensions},
        "search": {
            "metric": index.metric,
            "distance": index.distance,
            "hubness": index.hubness,
            **index.how_searched(),
            "skew of the 10-occurrence": index.skew,
        },
        "features": {
            "feature set": index.feature_set or "a table from elsewhere",
            "features": len(index.features),
            **index.feature_parameters,
        },
        "tracks": {
            "columns": list(index.columns),
            "genres": {genre: {"tracks": tracks} for genre, tracks in index.genre_counts().items()},
        },
    }


def _table_facts(table: FeatureTable, made: Facts) -> dict[str, Facts]:
    meta = table.meta
    return {
        "table": {**made, "tracks": len(table), "sha256": table.digest},
        "features": {
            "feature set": meta.get("feature_set") or "a table from elsewhere",
            "features": len(table.features),
            "families": {family: {"features": len(columns)} for family, columns in table.families.items()},
            "empty cells in": list(table.incomplete),
            **(meta.get("parameters") or {}),
        },
        "tracks": {
            "label": table.label,
            "artists": _artists(table),
            "genres": _genres(table),
            "notes": list(table.notes),
        },
        "versions": dict(meta.get("versions") or {}),
    }


def _artists(table: FeatureTable) -> int | None:
    return None if table.groups is None else len(set(table.groups))


def _genres(table: FeatureTable) -> dict[str, dict[str, int | None]]:
    found = {}
    for genre in table.genres:
        here = table.y == genre
        artists = None if table.groups is None else len(set(table.groups[here]))
        found[genre] = {"tracks": int(here.sum()), "artists": artists}
    return found


def _report(comparison: Comparison) -> dict[str, Facts]:
    run = comparison.run
    names = ("repeats", "accuracy", "log_loss", "brier_score", "calibration_error", "aurc")
    scores = {}
    for row in comparison.ranking.to_dict("records"):
        shown = {name: row[name] for name in names if name in row and row[name] == row[name]}
        scores[row["model"]] = {
            "macro_f1": row["macro_f1"],
            "95 % interval": [row["macro_f1_low"], row["macro_f1_high"]],
            "may be the best": bool(row["tied_with_best"]) or row["model"] == comparison.best,
            **shown,
        }
    selection = {f"choice inside the folds {name}": value for name, value in (run.get("selection") or {}).items()}
    settings = {name: value for name, value in (run.get("parameters") or {}).items() if value is not None}
    return {
        "report": {"made": run.get("started"), "seconds": run.get("seconds"), "command": run.get("command")},
        "scores": {"protocol": comparison.protocol, "best": comparison.best, "models": scores, **selection},
        "settings": {**settings, "seed": run.get("seed"), "folds": run.get("folds")},
        "table": dict(run.get("table") or {}),
        "notes": {str(number): note for number, note in enumerate(comparison.notes, start=1)},
        "versions": dict(run.get("versions") or {}),
    }


def _changed(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(row, Mapping) for row in value.values())


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON
    """A value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return (", " if all(len(str(part)) < 30 for part in value) else " ").join(map(_shown, value)) or "none"
    if isinstance(value, bool) or value is None or value == "":
        return {True: "yes", False: "no"}.get(value, "none")
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())


def _table(name: str, rows: Mapping[str, Facts]) -> Table:
    """A row for each entry."""
    titles = list(dict.fromkeys(title for row in rows.values() for title in row))
    return Table("", [name, *titles], [[Cell(key), *(_cell(row.get(t)) for t in titles)] for key, row in rows.items()])


def _cell(value: object) -> Cell:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(_shown(value), float(value) if number else math.nan if value is None else None)  # type: ignore[arg-type]


def _front_matter(sections: Mapping[str, Facts]) -> list[str]:
    """The metadata in YAML, of which JSON texts are a part."""
    model, scores = sections["model"], sections["evaluation"]
    lines = ["---", "library_name: genreclf", "pipeline_tag: audio-classification"]
    if model["licence"]:
        lines += ["license: other", f"license_name: {json.dumps(model['licence'])}"]
    lines += ["tags:", "- audio", "- music", "- music-genre-classification", "- tabular-classification"]
    if "macro f1" in scores:
        metric = json.dumps(f"macro-F1, {scores['held-out protocol']}")
        lines += [
            "model-index:",
            f"- name: {json.dumps(model['id'])}",
            "  results:",
            "  - task: {type: audio-classification}",
            f"    dataset: {{name: {json.dumps(str(sections['training'].get('name')))}, type: other}}",
            f"    metrics: [{{type: f1, name: {metric}, value: {scores['macro f1']['value']:.4f}}}]",
        ]
    return [*lines, "---", ""]
