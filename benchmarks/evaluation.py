"""Six models under the study's protocol: genreclf's benchmark next to plain scikit-learn, one model after another.

    python benchmarks/evaluation.py TABLE.csv [--rounds 3] [--models svc,rf,...]

Both run as processes of their own, in turn, and are timed whole, imports included. Plain scikit-learn is used as
its documentation would have it: every core where a model has threads (forest, CatBoost, histogram boosting), and
CatBoost's own number of borders. Prints seconds of each round, the ratio of the medians, and macro-F1 side by side.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

SIX = ("svc", "rf", "gb", "logreg", "catboost", "histgb")


def plain(table: Path, models: tuple[str, ...]) -> dict[str, list[float]]:
    """Macro-F1 and seconds of each model, fitted one after another on every core."""
    import pandas as pd
    from catboost import CatBoostClassifier
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    zoo = {
        "svc": SVC(C=3),
        "rf": RandomForestClassifier(500, class_weight="balanced", n_jobs=-1, random_state=42),
        "gb": GradientBoostingClassifier(
            learning_rate=0.05, max_depth=5, n_estimators=200, subsample=0.5, random_state=42
        ),
        "logreg": LogisticRegression(C=0.01, max_iter=1000),
        "catboost": CatBoostClassifier(
            iterations=800,
            depth=6,
            bagging_temperature=0.05,
            l2_leaf_reg=0,
            random_seed=42,
            verbose=0,
            allow_writing_files=False,
        ),
        "histgb": HistGradientBoostingClassifier(early_stopping=False, random_state=42),
    }
    frame = pd.read_csv(table)
    y = frame["genre"].to_numpy(dtype=object)
    X = frame.drop(columns=["track_id"]).select_dtypes("number").to_numpy()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=42)
    found = {}
    for name in models:
        started = time.perf_counter()
        y_pred = make_pipeline(StandardScaler(), zoo[name]).fit(X_train, y_train).predict(X_test)
        seconds = time.perf_counter() - started
        found[name] = [float(f1_score(y_test, y_pred.ravel(), average="macro")), seconds]
    return found


def ours(table: Path, models: tuple[str, ...]) -> dict[str, list[float]]:
    """The same from `genreclf.benchmark`, with intervals, tests and all."""
    import genreclf

    found = genreclf.benchmark(genreclf.FeatureTable.read(table), models=models, protocol="study").scores
    columns = ["macro_f1", "fit_seconds", "macro_f1_low", "macro_f1_high"]
    return {row["model"]: [float(row[column]) for column in columns] for _, row in found.iterrows()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--models", default=",".join(SIX))
    parser.add_argument("--part", choices=("plain", "ours"), help="run one part only and print it as JSON")
    options = parser.parse_args()
    models = tuple(options.models.split(","))
    if options.part:
        print(json.dumps({"plain": plain, "ours": ours}[options.part](options.table, models)))
        return
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    scores = {}
    for _ in range(options.rounds):
        for part, times in seconds.items():
            command = [sys.executable, __file__, str(options.table), "--models", options.models, "--part", part]
            started = time.perf_counter()
            run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this file itself
            times.append(time.perf_counter() - started)
            scores[part] = json.loads(run.stdout)
    for part, times in seconds.items():
        print(f"{part:>6}: {', '.join(f'{t:.1f}' for t in times)} s")
    ratio = statistics.median(seconds["plain"]) / statistics.median(seconds["ours"])
    print(f" ratio: {ratio:.2f}")
    print("model     plain macro-F1 (seconds)   ours macro-F1 [95 % interval] (seconds of fitting)")
    for name in models:
        f1, taken = scores["plain"][name]
        our_f1, our_taken, low, high = scores["ours"][name]
        interval = f"[{100 * low:.2f}, {100 * high:.2f}]"
        print(f"{name:9} {100 * f1:.2f} ({taken:.1f})   {100 * our_f1:.2f} {interval} ({our_taken:.1f})")


if __name__ == "__main__":
    main()
