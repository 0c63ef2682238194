"""Kill an extraction at random moments, complete it, and compare with one that was left in peace.

    python benchmarks/kills.py FOLDER_OR_MANIFEST --n 100
    python benchmarks/kills.py FOLDER_OR_MANIFEST --n 100 --kind parquet
    python benchmarks/kills.py FOLDER_OR_MANIFEST --n 100 --series mel

Each trial starts with no table, is killed with SIGKILL (the whole process group) at a moment drawn evenly over
the time that an undisturbed run takes, and is then completed. Counted are rows that stood in the table before
the kill and are gone after it, rows that stand there twice, rows that are torn once the table is opened again,
and trials whose final bytes differ from the undisturbed run's. The exit code is 1 if any of these is not 0. A table in
Parquet has parts of a few rows here, so that many kills come while one is written; its bytes are those as CSV. The
lines of series count as rows, bytes beyond those of the undisturbed run as doubled, and other values as different.
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

from genreclf.series import open_series, series_folder
from genreclf.tables.conversion import convert
from genreclf.tables.table import FeatureTable

SMALL_PARTS = """
from genreclf.cli import main
from genreclf.tables import parquet_store

parquet_store.PART_ROWS = 7
main()
"""


def command(source: str, table: Path, options: argparse.Namespace) -> list[str]:
    return [
        *(sys.executable, "-c", SMALL_PARTS, "extract", source, "-o", str(table)),
        *("--duration", str(options.duration), "--jobs", str(options.jobs)),
        *(("--series", options.series) if options.series else ()),
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
    before = lines_of(table) + lines_of_series(table)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return before


def lines_of(table: Path) -> list[bytes]:
    """The whole lines of a table; of Parquet, those that are not in a part yet and the rows of the parts as such."""
    if table.suffix == ".csv":
        return lines_of_file(table)
    # Lines first: a row that goes into a part meanwhile is found there.
    lines = lines_of_file(table.with_name(f".{table.name}.rows"))
    if table.is_dir() and any(table.glob("part-*")):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.csv"
            FeatureTable.read(table).write(copy)
            lines += lines_of_file(copy)
    return list(dict.fromkeys(lines))


def lines_of_file(path: Path) -> list[bytes]:
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1].splitlines()


def lines_of_series(table: Path) -> list[bytes]:
    return [line for index in series_folder(table).glob("*/index.jsonl") for line in lines_of_file(index)]


def as_csv(table: Path) -> bytes:
    if table.suffix == ".csv":
        return table.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        convert(table, Path(folder) / "copy.csv")
        return (Path(folder) / "copy.csv").read_bytes()


def series_of(table: Path) -> dict[str, tuple[str, int]]:
    """Of each kind of series beside a table a digest of the values and the bytes of its shards."""
    return {
        folder.name: (open_series(folder).digest, sum(shard.stat().st_size for shard in folder.glob("*.f16")))
        for folder in series_folder(table).glob("*")
    }


def trial(moment: float, source: str, whole: Path, table: Path, options: argparse.Namespace) -> Counter[str]:
    before = kill_at(moment, source, table, options)
    after = lines_of(table) + lines_of_series(table)
    found = Counter(lost=len(set(before) - set(after)), rows=max(0, len(before) - 1))
    complete(source, table, options)
    ids = FeatureTable.read(table).ids.tolist()
    found["doubled"] = len(ids) - len(set(ids))
    expected, there = series_of(whole), series_of(table)
    found["doubled"] += sum(there[kind][1] > size for kind, (_, size) in expected.items())
    found["torn"] = len(set(as_csv(table).splitlines()) - set(whole.read_bytes().splitlines()))
    found["different"] = (as_csv(table), there) != (whole.read_bytes(), expected)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("--n", type=int, default=100, help="how many kills")
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each track, to keep the trials short")
    parser.add_argument("--kind", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--series", help="kinds of series to keep")
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
            table = Path(folder) / f"{number}" / f"t.{options.kind}"
            total += trial(moments.uniform(0, seconds), options.source, whole, table, options)
            sys.stderr.write(f"\r{number + 1} of {options.n} kills; {dict(total)}")
    sys.stderr.write("\n")
    found = {
        "kind": options.kind,
        "series": options.series,
        "kills": options.n,
        "seconds of an undisturbed run": round(seconds, 1),
    }
    found |= {"rows that stood before the kills": total["rows"]}
    found |= {name: total[name] for name in ("lost", "torn", "doubled", "different")}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return int(any(total[name] for name in ("lost", "torn", "doubled", "different")))


if __name__ == "__main__":
    sys.exit(main())
