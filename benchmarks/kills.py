"""Kill an extraction at random moments, complete it, and compare with one that was left in peace.

    python benchmarks/kills.py FOLDER_OR_MANIFEST --n 100

Each trial starts with no table, is killed with SIGKILL (the whole process group) at a moment drawn evenly over
the time that an undisturbed run takes, and is then completed. Counted are rows that stood in the table before
the kill and are gone after it, rows that stand there twice, rows that are torn once the table is opened again,
and trials whose final bytes differ from the undisturbed run's. The exit code is 1 if any of these is not 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from genreclf.tables.table import FeatureTable


def command(source: str, table: Path, options: argparse.Namespace) -> list[str]:
    return [
        *(sys.executable, "-m", "genreclf", "extract", source, "-o", str(table)),
        *("--duration", str(options.duration), "--jobs", str(options.jobs)),
    ]


def complete(source: str, table: Path, options: argparse.Namespace) -> float:
    start = time.perf_counter()
    subprocess.run(command(source, table, options), check=True, capture_output=True)  # noqa: S603 - our own program
    return time.perf_counter() - start


def kill_at(moment: float, source: str, table: Path, options: argparse.Namespace) -> list[bytes]:
    """Start, kill, and give the whole lines that stood in the table just before."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        command(source, table, options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(moment)
    before = table.read_bytes() if table.exists() else b""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return before[: before.rfind(b"\n") + 1].splitlines()


def trial(moment: float, source: str, whole: bytes, table: Path, options: argparse.Namespace) -> Counter[str]:
    before = kill_at(moment, source, table, options)
    after = table.read_bytes().splitlines() if table.exists() else []
    found = Counter(lost=len(set(before) - set(after)), rows=max(0, len(before) - 1))
    complete(source, table, options)
    ids = FeatureTable.read(table).ids.tolist()
    found["doubled"] = len(ids) - len(set(ids))
    found["torn"] = len(set(table.read_bytes().splitlines()) - set(whole.splitlines()))
    found["different"] = table.read_bytes() != whole
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("--n", type=int, default=100, help="how many kills")
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each track, to keep the trials short")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)  # noqa: S311 - when to kill is no secret
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="genreclf-kills-") as folder:
        whole = Path(folder) / "whole.csv"
        complete(options.source, whole, options)
        whole.unlink()
        seconds = complete(options.source, whole, options)
        for number in range(options.n):
            table = Path(folder) / f"{number}" / "t.csv"
            total += trial(moments.uniform(0, seconds), options.source, whole.read_bytes(), table, options)
            sys.stderr.write(f"\r{number + 1} of {options.n} kills; {dict(total)}")
    sys.stderr.write("\n")
    found = {"kills": options.n, "seconds of an undisturbed run": round(seconds, 1)}
    found |= {"rows that stood before the kills": total["rows"]}
    found |= {name: total[name] for name in ("lost", "torn", "doubled", "different")}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return int(any(total[name] for name in ("lost", "torn", "doubled", "different")))


if __name__ == "__main__":
    sys.exit(main())
