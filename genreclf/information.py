"""Information on a file of genreclf's: what it is, made when, from what, with which settings, and what to expect of it.

The same facts are shown as lines, as JSON, and as Markdown; that of a model is a model card in the layout of Hugging
Face (Mitchell and others 2019, Model Cards for Model Reporting).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.pages.markdown import escaped
from genreclf.tables.columns import family_of

if TYPE_CHECKING:
    from genreclf.models.bundle.manifest import BundleManifest, HeldOutSummary
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
    """What is known of a file or a folder.

    Parameters
    ----------
    kind : ``model``, ``index``, ``table`` or ``report``.
    path : where it is.
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
        title = self.sections["model"]["title"] if self.kind == "model" else self.path
        lines = [*front, f"# {escaped(str(title))}", ""]
        for section, facts in self.sections.items():
            lines += [f"## {section.capitalize()}", ""]
            lines += [f"- **{escaped(name)}:** {escaped(_shown(v))}" for name, v in facts.items() if not _is_table(v)]
            for name, rows in facts.items():
                if _is_table(rows):
                    lines += ["", *_table(name, rows)]
            lines.append("")
        return "\n".join(lines).rstrip() + "\n"


def information(path: Path | str) -> Information:
    """Say what a model, an index, a feature table or a report folder is.

    Raises
    ------
    RequestError : it is none of these, or cannot be used; the line says why.
    """
    path = Path(path)
    if path.is_dir():
        return Information("report", str(path), _report(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path}: {(error.strerror or 'it cannot be read').lower()}") from None
    made = {"file": path.name, "bytes": len(content)}
    if b"genreclf index sha256:" in content[-200:]:
        return Information("index", str(path), _index(path, made))
    if content.startswith(b"PK"):
        return Information("model", str(path), _model(path, made))
    return Information("table", str(path), _table_facts(path, made))


def _model(path: Path, made: Facts) -> dict[str, Facts]:
    from genreclf.loading import load
    from genreclf.models import title_of

    predictor = load(path)
    manifest = predictor.manifest
    model = {
        "title": f"{title_of(manifest.model)} for {len(manifest.genres)} genres of music",
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
    families = dict.fromkeys(family_of(name) for name in manifest.features)
    features: dict[str, Any] = {
        "feature set": manifest.feature_set or "a table from elsewhere; audio cannot be predicted",
        "features": len(manifest.features),
        "families": list(families),
    }
    features.update({str(name): value for name, value in manifest.feature_parameters.items()})
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


def _index(path: Path, made: Facts) -> dict[str, Facts]:
    from genreclf.similarity.index import Index

    index = Index.load(path)
    return {
        "index": {**made, "made": _changed(path), "tracks": len(index), "dimensions": index.points.shape[1]},
        "search": {
            "metric": index.metric,
            "hubness": index.hubness,
            "approximate": index.approximate,
            "skew of the 10-occurrence": index.skew,
        },
        "features": {
            "feature set": index.feature_set or "a table from elsewhere",
            "features": len(index.features),
            **index.feature_parameters,
        },
        "tracks": {"columns": list(index.tracks), "genres": _counted(index.tracks.get("genre", []))},
    }


def _table_facts(path: Path, made: Facts) -> dict[str, Facts]:
    from genreclf.datasets import open_table

    table = open_table(path)
    meta = table.meta
    return {
        "table": {**made, "made": _changed(path), "tracks": len(table), "sha256": table.digest},
        "features": {
            "feature set": meta.get("feature_set") or "a table from elsewhere",
            "features": len(table.features),
            "families": {family: {"features": len(columns)} for family, columns in table.families.items()},
            "empty cells in": list(table.incomplete),
            **(meta.get("parameters") or {}),
        },
        "tracks": {"label": table.label, "genres": _genres(table), "notes": list(table.notes)},
        "versions": dict(meta.get("versions") or {}),
    }


def _genres(table: FeatureTable) -> dict[str, dict[str, int | None]]:
    found = {}
    for genre in table.genres:
        here = table.y == genre
        artists = None if table.groups is None else len(set(table.groups[here]))
        found[genre] = {"tracks": int(here.sum()), "artists": artists}
    return found


def _report(path: Path) -> dict[str, Facts]:
    from genreclf.evaluation.comparison import Comparison

    comparison = Comparison.read(path)
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


def _counted(names: list[str]) -> dict[str, dict[str, int]]:
    return {name: {"tracks": names.count(name)} for name in sorted(set(names))}


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


def _table(name: str, rows: Mapping[str, Facts]) -> Iterator[str]:
    """A table in Markdown, a row for each entry."""
    titles = list(dict.fromkeys(title for row in rows.values() for title in row))
    yield "| " + " | ".join(map(escaped, [name, *titles])) + " |"
    yield "|---|" + "---:|" * len(titles)
    for key, row in rows.items():
        yield "| " + " | ".join(escaped(_shown(cell)) for cell in [key, *(row.get(t) for t in titles)]) + " |"


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
