"""Made-up comparisons whose tables agree with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from genreclf.evaluation.comparison import Comparison

GENRES = ("Rock", "Hip-Hop", "Electronic", "Folk", "Pop", "International", "Instrumental", "Experimental")
MODELS = ("svc", "catboost", "rf", "gb", "logreg", "knn", "extratrees", "mlp", "lda", "nb", "ridge", "tree")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a|b`c`*d*_e_[f](http://g)",
    "{{ 7*7 }} {% raw %}",
    "Ünïcødé 🎸 音楽",
    "nul\x00 bell\x07 new\nline \uffff lone",
    "&amp;&lt;!-- ]]> -->",
    "a very long name that goes on and on and will not fit into any column that a report could offer it",
)


def made_up_comparison(
    *,
    tracks: int = 240,
    genres: tuple[str, ...] = GENRES[:6],
    models: tuple[str, ...] = MODELS[:6],
    full: bool = True,
    seed: int = 0,
    titles: tuple[str, ...] = (),
    name: str = "made-up",
) -> Comparison:
    """A comparison of models that are right about 70 % of the time, the first the most often."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(len(genres), size=tracks)
    base = pd.DataFrame({"track_id": [f"t{i:05d}" for i in range(tracks)], "genre": [genres[k] for k in truth]})
    protocols = ("cv-artist", "cv-random") if full else ("cv-artist",)
    everyone = (*models, "most_frequent", "stratified")
    predictions, probabilities, scores, genre_scores = [], [], [], []
    for protocol in protocols:
        frame = base.assign(protocol=protocol, fold=np.arange(tracks) % 5)
        lift = 0.06 if protocol == "cv-random" else 0.0
        for rank, model in enumerate(everyone):
            sharp = 0.0 if model in everyone[-2:] else 2.4 + 12 * lift - 0.12 * rank
            logits = rng.normal(size=(tracks, len(genres)))
            logits[np.arange(tracks), truth] += sharp
            logits[:, 0] += 0.4
            shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            said = np.zeros(tracks, int) if model == "most_frequent" else shares.argmax(axis=1)
            frame[model] = [genres[k] for k in said]
            if full and sharp:
                probability = pd.DataFrame(shares, columns=list(genres))
                identity = frame[["protocol", "fold", "track_id"]].assign(model=model)
                probabilities.append(pd.concat([identity, probability], axis=1))
            rows = _genre_rows(truth, said, genres)
            genre_scores += [{"protocol": protocol, "model": model, **row} for row in rows]
            scores.append(_score_row(protocol, model, truth, said, rows, rank, bool(sharp)))
        predictions.append(frame[["protocol", "fold", "track_id", "genre", *everyone]])
    table = pd.DataFrame(scores)
    table["order"] = [protocols.index(p) for p in table["protocol"]]
    table = table.sort_values(["order", "macro_f1"], ascending=[True, False], kind="stable").drop(columns="order")
    best = table.groupby("protocol")["macro_f1"].transform("max")
    learns = ~table["model"].isin(everyone[-2:])
    gap = best - table["macro_f1"]
    table["p_value"] = np.where(gap == 0, np.nan, np.clip(np.exp(-gap * 60), 0, 1))
    table["tied_with_best"] = ((gap == 0) | (table["p_value"] >= 0.05)) & learns
    empty = pd.DataFrame()
    extra = _extras(table, base, genres, models, rng, titles) if full else {}
    return Comparison(
        scores=table.reset_index(drop=True),
        predictions=pd.concat(predictions, ignore_index=True),
        genre_scores=pd.DataFrame(genre_scores),
        tests=extra.get("tests", empty),
        tracks=extra.get("tracks", empty),
        probabilities=pd.concat(probabilities, ignore_index=True) if probabilities else empty,
        leak=extra.get("leak", empty),
        ablation=extra.get("ablation", empty),
        importance=extra.get("importance", empty),
        tuning=extra.get("tuning", empty),
        tuning_gains=extra.get("tuning_gains", empty),
        trials=extra.get("trials", empty),
        learning_curve=extra.get("learning_curve", empty),
        retrieval=extra.get("retrieval", empty),
        run={
            "command": "genreclf benchmark features/made-up.csv -o reports/made-up",
            "protocols": list(protocols),
            "seed": 42,
            "versions": {"genreclf": "0.1.0", "scikit-learn": "1.9.0"},
            "table": {"name": name, "digest": "ab" * 32},
            "seconds": 61.5,
        },
        notes=("2 pairs of tracks are duplicates of each other.",) if full else (),
    )


def _genre_rows(truth, said, genres):
    rows = []
    for k, genre in enumerate(genres):
        right = int(((truth == k) & (said == k)).sum())
        precision, recall = right / max(int((said == k).sum()), 1), right / max(int((truth == k).sum()), 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        rows.append(
            {
                "genre": genre,
                "support": int((truth == k).sum()),
                "precision": precision,
                "recall": recall,
                "f1": f1,
                "f1_low": max(f1 - 0.09, 0),
                "f1_high": min(f1 + 0.08, 1),
            }
        )
    return rows


def _score_row(  # noqa: PLR0917 - a step of the maker
    protocol, model, truth, said, rows, rank, learns
):
    macro = float(np.mean([row["f1"] for row in rows]))
    return {
        "protocol": protocol,
        "model": model,
        "macro_f1": macro,
        "macro_f1_low": max(macro - 0.045, 0),
        "macro_f1_high": min(macro + 0.04, 1),
        "accuracy": float((truth == said).mean()),
        "fit_seconds": 0.02 * 4 ** (rank % 6) if learns else 0.001,
        "predict_seconds": 0.01 * (rank + 1),
    }


def _extras(  # noqa: PLR0917 - a step of the maker
    scores, base, genres, models, rng, titles
):
    artist = scores[scores["protocol"] == "cv-artist"].set_index("model")["macro_f1"]
    random = scores[scores["protocol"] == "cv-random"].set_index("model")["macro_f1"]
    leak = pd.DataFrame(
        {
            "model": list(models),
            "macro_f1_safe": [artist[m] for m in models],
            "macro_f1_random": [random[m] for m in models],
        }
    )
    leak["leak"] = leak["macro_f1_random"] - leak["macro_f1_safe"]
    leak["leak_low"], leak["leak_high"] = leak["leak"] - 0.03, leak["leak"] + 0.03
    steps = [("alone", "mfcc", 140, 0.62), ("alone", "tonnetz", 42, 0.33), ("alone", "power", 2, 0.22)]
    steps += [("alone", "tempo", 1, 0.17), ("added", "mfcc", 140, 0.62), ("added", "mfcc+tonnetz", 182, 0.665)]
    steps += [("added", "mfcc+tonnetz+power", 184, 0.671), ("added", "mfcc+tonnetz+power+tempo", 185, 0.669)]
    ablation = pd.DataFrame(
        [
            {"protocol": "cv-artist", "model": model, "step": s, "families": f, "features": n, "macro_f1": v - 0.02 * i,
             "macro_f1_low": v - 0.02 * i - 0.04, "macro_f1_high": v - 0.02 * i + 0.04,
             **({"gain": 0.045, "gain_low": 0.01, "gain_high": 0.08} if s == "added" and "+" in f else {})}
            for i, model in enumerate(models[:2])
            for s, f, n, v in steps
        ]
    )  # fmt: skip
    importance = pd.DataFrame(
        [
            {"protocol": "cv-artist", "model": model, "family": family, "drop": drop, "drop_low": drop - 0.02,
             "drop_high": drop + 0.02}
            for model in models
            for family, drop in (("mfcc", 0.41), ("tonnetz", 0.06), ("power", 0.01), ("tempo", -0.002))
        ]
    )  # fmt: skip
    place = np.array([[np.cos(k), np.sin(k)] for k in np.arange(len(genres)) * 2 * np.pi / len(genres)]) * 2.2
    index = [genres.index(g) for g in base["genre"]]
    points = place[index] + rng.normal(size=(len(base), 2))
    names = titles or tuple(f"Song number {i}" for i in range(40))
    tracks = base.assign(
        artist=[f"Artist {i // 4}" for i in range(len(base))],
        title=[names[i % len(names)] for i in range(len(base))],
        path=[f"music/{g}/{i:05d}.mp3" for i, g in enumerate(base["genre"])],
        map_x=points[:, 0],
        map_y=points[:, 1],
    )
    tests = (
        scores[scores["protocol"] == "cv-artist"]
        .iloc[1:][["protocol", "model", "p_value"]]
        .assign(best=models[0], test="paired bootstrap over artists", statistic=0.03, p_holm=lambda f: f["p_value"])
    )
    retrieval = pd.DataFrame(
        [{"method": m, "genre": g, "tracks": 30, "average_precision": 0.4 - 0.05 * i, "precision_at_10": 0.5 - 0.05 * i}
         for i, m in enumerate(("standardised", "lda")) for g in ("all", *genres)]
    )  # fmt: skip
    tuning = pd.DataFrame(
        [{"protocol": "cv-artist", "model": models[0], "fold": f, "parameters": '{"C": 3}', "inner_macro_f1": 0.6}
         for f in range(5)]
    )  # fmt: skip
    curve = pd.DataFrame(
        [{"protocol": "cv-artist", "model": model, "artists": n, "tracks": 3.0 * n, "extrapolated": n == 80,
          "macro_f1": 0.7 - 0.9 * n**-0.5 - 0.02 * i, "macro_f1_low": 0.5, "macro_f1_high": 0.7,
          "gain": 0.04 if n == 80 else np.nan, "gain_low": 0.01, "gain_high": 0.07}
         for i, model in enumerate(models[:2]) for n in (5.0, 10.0, 20.0, 30.0, 40.0, 80.0)]
    )  # fmt: skip
    gains = pd.DataFrame(
        [{"protocol": "cv-artist", "model": models[0], "macro_f1_default": 0.61, "macro_f1_tuned": 0.64, "gain": 0.03,
          "gain_low": -0.01, "gain_high": 0.07}]
    )  # fmt: skip
    return {"learning_curve": curve, "tuning_gains": gains, "leak": leak, "ablation": ablation,
            "importance": importance, "tracks": tracks, "tests": tests, "retrieval": retrieval,
            "tuning": tuning, "trials": _trials(models[0])}  # fmt: skip


def _trials(model: str) -> pd.DataFrame:
    """Two folds of six trials, of which two are trained to their end and one has no loss."""
    scores = (0.4, 0.3, 0.2, 0.55, None, 0.5)
    ended = (1, 4)
    return pd.DataFrame(
        [
            {"protocol": "cv-artist", "model": model, "fold": fold, "trial": trial, "macro_f1": score,
             "loss": None if score is None else 1 - score, "epochs": 27 if trial in ended else 3,
             "ended": 3 * trial + 48 * (trial in ended), "pruned": trial not in ended, "parameters": "{}"}
            for fold in (1, 2)
            for trial, score in enumerate(scores, start=1)
        ]
    )  # fmt: skip


def known_comparison(**changes) -> Comparison:
    """Ten tracks each of jazz, metal and folk; the SVC takes four jazz tracks for folk and one folk track for jazz."""
    genres = ["jazz"] * 10 + ["metal"] * 10 + ["folk"] * 10
    svc = ["folk"] * 4 + ["jazz"] * 6 + ["metal"] * 10 + ["jazz"] + ["folk"] * 9
    predictions = pd.DataFrame({"protocol": "cv-artist", "fold": 1, "track_id": [f"t{i}" for i in range(30)]})
    predictions = predictions.assign(genre=genres, svc=svc, rf=svc, most_frequent="jazz")
    scores = pd.DataFrame(
        {
            "protocol": "cv-artist",
            "model": ["svc", "rf", "logreg", "most_frequent"],
            "macro_f1": [0.712, 0.70, 0.65, 0.17],
            "macro_f1_low": [0.654, 0.64, 0.59, 0.1],
            "macro_f1_high": [0.761, 0.76, 0.7, 0.2],
            "accuracy": 0.7,
            "p_value": [np.nan, 0.4, 0.01, 0.0005],
            "tied_with_best": [True, True, False, False],
            "fit_seconds": [60.0, 1.5, 0.1, 0.0],
            "predict_seconds": 0.1,
        }
    )
    nothing = pd.DataFrame()
    frames = dict.fromkeys(
        ("tests", "tracks", "probabilities", "leak", "ablation", "importance", "tuning", "retrieval", "genre_scores"),
        nothing,
    )
    return replace(Comparison(scores=scores, predictions=predictions, **frames), **changes)
