"""FMA's published features at full size: seconds and peak memory to read them and to compare models on 8,000 tracks.

    python benchmarks/fma_tables.py FOLDER [--rounds 3] [--models logreg,svc]

FOLDER is a real FMA (the folder that holds fma_metadata), or empty or new: then a made-up one of full size (106,574
tracks, 518 features, eleven digits a value, 0.97 GB) is written there first. Each step runs in a process of its own;
peak memory is that of its largest process, imports included. Times are medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

SUBSETS = ("small", "medium", "full")


def read(folder: Path, subset: str, families: str) -> dict[str, float]:
    from genreclf.datasets import open_table

    started = time.perf_counter()
    table = open_table(f"fma:{folder}", subset=subset, families=families.split(",") if families else None)
    return {"tracks": len(table), "features": len(table.features), "seconds": time.perf_counter() - started}


def compare(folder: Path, models: str) -> dict[str, float]:
    from genreclf.datasets import open_table
    from genreclf.evaluation.benchmark import benchmark

    started = time.perf_counter()
    table = open_table(f"fma:{folder}", subset="small")
    comparison = benchmark(table, models=models.split(","), protocol="split")
    scores = dict(zip(comparison.scores["model"], comparison.scores["macro_f1"].astype(float), strict=True))
    return {"tracks": len(table), "features": len(table.features), "seconds": time.perf_counter() - started, **scores}


def apart(folder: Path, *step: str) -> dict[str, float]:
    """Run one step in a process of its own."""
    command = [sys.executable, __file__, str(folder), "--step", *step]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this very file
    return json.loads(done.stdout)


def shown(title: str, rounds: list[dict[str, float]]) -> None:
    seconds = statistics.median(found["seconds"] for found in rounds)
    peak = max(found["peak"] for found in rounds)
    scores = {k: v for k, v in rounds[0].items() if k not in ("tracks", "features", "seconds", "peak")}
    extra = "".join(f", {model} macro-F1 {score:.3f}" for model, score in scores.items())
    tracks, features = (int(rounds[0][name]) for name in ("tracks", "features"))
    print(f"{title}: {tracks:,} x {features}: {seconds:.1f} s, peak {peak / 1024:.2f} GB{extra}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", default="logreg,svc")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        kind, *options = asked.step
        found = {"read": read, "compare": compare}[kind](asked.folder, *options)
        used = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        peak = max(resource.getrusage(who).ru_maxrss for who in used) / 1024
        sys.stdout.write(json.dumps(found | {"peak": peak}))
        return
    if not (asked.folder / "fma_metadata").is_dir():
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
        from made_fma import write_fma

        write_fma(asked.folder, tracks=106_574, small=8_000, medium=17_000, distinct=8_000)
    for subset, families in [(subset, "") for subset in SUBSETS] + [("medium", "mfcc")]:
        rounds = [apart(asked.folder, "read", subset, families) for _ in range(asked.rounds)]
        shown(f"read {subset} {families}".strip(), rounds)
    rounds = [apart(asked.folder, "compare", asked.models) for _ in range(asked.rounds)]
    shown(f"read small and compare {asked.models}", rounds)


if __name__ == "__main__":
    main()
