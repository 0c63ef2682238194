r"""How a comparison was evaluated, as a paragraph for a paper, with the references that it rests on.

Citations stand as in Pandoc's Markdown, ``[@hansen2011; @holm1979]``; LaTeX has its ``\cite``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from genreclf.evaluation.protocols import title as protocol_title
from genreclf.export.latex import escaped
from genreclf.pages.wording import count, listed, model_title
from genreclf.reports.outcome import baselines, contenders

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison

_CITATION = re.compile(r" \[((?:@[\w-]+(?:; )?)+)\]")
_FAMILIES = {
    "mfcc": "davis1980", "tonnetz": "harte2006", "tempo": "ellis2007", "power": "fitzgerald2010", "gauss": "mandel2005",
    "mscat": "anden2014", "musicnn": "pons2019musicnn", "musicnn-tags": "pons2019musicnn", "vggish": "hershey2017",
    "musicnn-mtt": "pons2019musicnn", "musicnn-mtt-tags": "pons2019musicnn",
}  # fmt: skip
_SCORES = {
    "calibration_error": "calibration error is debiased [@kumar2019]",
    "aurc": "AURC is the area under the risk-coverage curve [@geifman2019]",
    "hierarchical_f1": "hierarchical F1 counts ancestors [@kiritchenko2005; @silla2011]",
}


def methods(comparison: Comparison) -> str:
    """The paragraph, with citations as in Pandoc's Markdown."""
    made = (_data, _features, _series, _protocol, _scores, _intervals, _tests, _more, _software)
    return " ".join(sentence for make in made for sentence in make(comparison)) + "\n"


def cited_keys(text: str) -> list[str]:
    """The references that a paragraph cites, each once, in order."""
    return list(dict.fromkeys(re.findall(r"@([\w-]+)", " ".join(found[0] for found in _CITATION.finditer(text)))))


def as_latex(text: str) -> str:
    """The paragraph for LaTeX."""
    parts, end = [], 0
    for found in _CITATION.finditer(text):
        parts += [escaped(text[end : found.start()]), rf"~\cite{{{found[1].replace('@', '').replace('; ', ',')}}}"]
        end = found.end()
    return "".join([*parts, escaped(text[end:])])


def _table(comparison: Comparison) -> Mapping[str, Any]:
    table = comparison.run.get("table")
    return table if isinstance(table, Mapping) else {}


def _data(comparison: Comparison) -> Iterator[str]:
    from genreclf.datasets import DATASETS

    table, predictions = _table(comparison), comparison.predictions
    names = [model_title(str(name)) for name in contenders(comparison.ranking)["model"]]
    floors = [model_title(str(name)).lower() for name in baselines(comparison.ranking)["model"]]
    tracks = table.get("rows") or predictions["track_id"].nunique()
    artists = table.get("artists")
    genres = len(table.get("genres") or predictions["genre"].unique())
    by = f" by {count(artists, 'artist')}" if isinstance(artists, int) else ", whose artists are not known,"
    words = re.split(r"[^a-z]+", str(table.get("name", "")).lower())
    known = next((DATASETS[word] for word in words if word in DATASETS), None)
    source = f" of {known.title.partition(':')[0]} [@{known.references[0]}]" if known and known.references else ""
    beside = f", beside the baselines {listed(floors)}," if floors else ""
    yield (
        f"We compared {count(len(names), 'classifier')} ({listed(names)}){beside} on {count(tracks, 'track')}{source}"
        f"{by} in {count(genres, 'genre')}."
    )


def _features(comparison: Comparison) -> Iterator[str]:
    table = _table(comparison)
    families = table.get("families") or {}
    if not table.get("features"):
        return
    made = f" of the set '{table['feature_set']}'" if table.get("feature_set") else ""
    parts = [f"{number} {name}{_cite(_FAMILIES.get(name))}" for name, number in families.items()]
    named = f": {listed(parts)}" if 1 < len(parts) <= 8 else ""
    rate, duration = table.get("sample_rate"), table.get("duration")
    excerpt = f", computed from {duration:g} s of each track" if isinstance(duration, int | float) else ""
    excerpt += f" at {rate:,} Hz" if excerpt and isinstance(rate, int) else ""
    yield f"Tracks are described by {count(table['features'], 'feature')}{made}{excerpt} [@librosa]{named}."
    for network in (comparison.run.get("networks") or {}).values():
        yield f"The network {network['reason']}."


def _series(comparison: Comparison) -> Iterator[str]:
    series = comparison.run.get("series")
    if isinstance(series, Mapping) and series.get("models"):
        names = [model_title(str(name)) for name in series["models"]]
        sees = "sees" if len(names) == 1 else "see"
        yield (
            f"{listed(names)} {sees} the {series['kind']} series of each track instead: {series['bins']} values a "
            f"frame, {series['frame_rate']:.3g} frames a second."
        )


def _cite(key: str | None) -> str:
    return f" [@{key}]" if key else ""


def _protocol(comparison: Comparison) -> Iterator[str]:
    run, protocols = comparison.run, list(dict.fromkeys(comparison.scores["protocol"].astype(str)))
    first = protocols[0]
    folds = (run.get("folds") or {}).get(first)
    parts = f" with {folds} folds" if isinstance(folds, int) and folds > 1 else ""
    yield f"Models are ranked under {protocol_title(first)}{parts}{_why(first)}."
    if comparison.leak.empty:
        others = listed(protocol_title(name) for name in protocols[1:])
        if others:
            yield f"Scores are also given under {others}."
    else:
        yield (
            "Artist leakage is the score under random folds with the same numbers of tracks of each genre minus the"
            " score under artist-disjoint ones."
        )
    grouping = (run.get("parameters") or {}).get("grouping")
    if grouping:
        yield f"Tracks that share a value of {listed(map(str, grouping))} are never on both sides of a split."
    yield "Copies of one recording are never on both sides of a split."
    ranked = comparison.ranking
    repeats = int(ranked["repeats"].max()) if "repeats" in ranked else 1
    if repeats > 1:
        names = [model_title(str(name)) for name in ranked.loc[ranked["repeats"] > 1, "model"]]
        some = "" if len(names) == len(ranked) else f" for {listed(names)}"
        yield f"The folds are drawn {repeats} times{some}; their scores are means over these repeats."


def _why(protocol: str) -> str:
    if protocol.endswith("-artist"):
        return ", in which all tracks by an artist are on the same side of every split [@pampalk2005; @flexer2007]"
    return ""


def _scores(comparison: Comparison) -> Iterator[str]:
    yield (
        "The main score is macro-F1, the unweighted mean of the F1 scores of all genres, over the test tracks of all"
        " folds together."
    )
    known = "; ".join(text for name, text in _SCORES.items() if name in comparison.ranking)
    if known:
        yield f"{known[0].upper()}{known[1:]}."


def _intervals(comparison: Comparison) -> Iterator[str]:
    unit = "artists" if isinstance(_table(comparison).get("artists"), int) else "recordings"
    trained = f", widened for the {unit} that were trained on, for which no unbiased estimator exists [@bengio2004]"
    yield (
        f"Intervals are 95 % intervals of Student's t for the expected score of the procedure on new {unit}: the"
        f" standard error is that of a stratified jackknife over {unit} [@efron1993; @cameron2015], with"
        f" Satterthwaite's degrees of freedom [@satterthwaite1946]{trained if comparison.protocol[:2] == 'cv' else ''}."
    )


def _tests(comparison: Comparison) -> Iterator[str]:
    draws = (comparison.run.get("parameters") or {}).get("draws")
    drawn = f" with {draws:,} draws" if isinstance(draws, int) else ""
    yield (
        f"Models that may be the best are those of the model confidence set [@hansen2011]{drawn} at the level of 5 %,"
        " which tests all models together."
    )
    if len(comparison.tests) and comparison.tests["test"].astype(str).str.contains("resampled").any():
        yield "We also give corrected resampled t tests [@nadeau2003] with Holm's correction [@holm1979]."


def _more(comparison: Comparison) -> Iterator[str]:
    if len(comparison.tuning):
        yield "Parameters were searched inside the training part of every fold [@cawley2010]."
    elif "selection" in comparison.run:
        yield "The best model was also chosen inside the training part of every fold [@cawley2010]."
    else:
        yield "No parameters were searched on the data."
    if len(comparison.importance):
        yield "The importance of a feature family is the drop in macro-F1 when it is permuted [@breiman2001]."
    if len(comparison.learning_curve):
        yield "Learning curves are extrapolated by an inverse power law [@figueroa2012]."


def _software(comparison: Comparison) -> Iterator[str]:
    used = set(comparison.scores["model"])
    recorded = comparison.run.get("versions") or {}
    versions = {name: version for name, version in recorded.items() if name != "catboost" or name in used}
    known = [f"{name} {version}{_cite(name if name in _CITED else None)}" for name, version in _ordered(versions)]
    seed = comparison.run.get("seed")
    seeded = f", with the seed {seed}" if isinstance(seed, int) else ""
    if known:
        yield f"All was computed with {listed(known)}{seeded}."


_CITED = ("genreclf", "librosa", "scikit-learn", "catboost")


def _ordered(versions: Mapping[str, object]) -> list[tuple[str, object]]:
    return sorted(versions.items(), key=lambda item: (_CITED.index(item[0]) if item[0] in _CITED else 9, item[0]))
