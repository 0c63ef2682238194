"""Attack the project from seven sides, and count what must not be.

    python benchmarks/attack.py --minutes 120
    python benchmarks/attack.py --rounds 1 --seed 0 --only audio,models

Each case is drawn from the seed, the kind and its number, and runs in a process of its own with a time limit. Counted
are crashes (a traceback, or a process that dies), hangs, wrong values, rows that are lost, and escapes (code that runs,
files touched that are not ours, memory above its bound, processes left behind). The exit code is 1 if there is any.
``--minutes`` draws its seed unless one is given, and goes on in rounds until the time is over; ``--rounds`` has the
same cases for the same seed. Kinds that need what the machine does not have are skipped with a note.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
from attacks import audio, environments, forks, kills, models, servers, tables
from attacks.cases import KINDS_OF_FAULT, isolated

KINDS: dict[str, ModuleType] = {
    "audio": audio,
    "models": models,
    "tables": tables,
    "kills": kills,
    "environments": environments,
    "servers": servers,
    "forks": forks,
}


class Attack:
    """One kind's cases, and what came of them."""

    def __init__(self, name: str, *, seed: int, folder: Path) -> None:
        self.name, self.seed, self.folder = name, seed, folder / name
        self.module = KINDS[name]
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.largest: dict[str, float] = {}
        self.seconds = 0.0
        self.folder.mkdir()
        self.materials = self.module.prepare(self.folder)

    def round(self) -> None:
        """The next cases."""
        for _ in range(self.module.CASES):
            self.case(self.counts["cases"])

    def case(self, number: int) -> None:
        """One case, in an empty folder."""
        start = time.perf_counter()
        place = self.folder / "case"
        place.mkdir()
        rng = np.random.default_rng([self.seed, list(KINDS).index(self.name), number])
        result = isolated(
            lambda: self.module.case(rng, place, self.materials, number),
            seconds=self.module.SECONDS,
            temporary=self.folder / "temporary",
        )
        self.counts["cases"] += 1
        if fault := result.get("fault"):
            self.counts[fault[0]] += 1
            sys.stdout.write(f"{self.name} {number}: {fault[0]}: {fault[1]}\n")
            sys.stdout.flush()
        else:
            outcome, figures = result["value"]
            self.outcomes[outcome] += 1
            self.largest |= {name: max(value, self.largest.get(name, value)) for name, value in figures.items()}
        for left in (place, self.folder / "temporary"):
            shutil.rmtree(left, ignore_errors=True)
        self.seconds += time.perf_counter() - start


def table(attacks: list[Attack]) -> str:
    """Counts by kind, in lines."""
    lines = [f"{'kind':14}{'cases':>8}" + "".join(f"{kind:>13}" for kind in KINDS_OF_FAULT) + f"{'seconds':>9}"]
    for attack in attacks:
        counts = "".join(f"{attack.counts[kind]:>13}" for kind in KINDS_OF_FAULT)
        lines.append(f"{attack.name:14}{attack.counts['cases']:>8}{counts}{attack.seconds:>9.1f}")
    for attack in attacks:
        figures = [f"{name} {value:.3g}" for name, value in attack.largest.items()]
        outcomes = [f"{count} {outcome}" for outcome, count in attack.outcomes.most_common()]
        lines.append(f"{attack.name}: {', '.join(outcomes)}" + (f"; at most {', '.join(figures)}" if figures else ""))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=0.0, help="how long; otherwise so many rounds")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas between")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    sys.stdout.write(f"seed {seed}\n")
    memory = Path("/dev/shm")  # noqa: S108 - where making sure of the disk costs nothing
    with tempfile.TemporaryDirectory(prefix="genreclf-attack-", dir=memory if memory.is_dir() else None) as folder:
        attacks = []
        for name in options.only.split(","):
            if missing := KINDS[name].missing():
                sys.stdout.write(f"{name}: skipped: {missing}\n")
            else:
                attacks.append(Attack(name, seed=seed, folder=Path(folder)))
        gc.collect()
        gc.freeze()  # what is shared with the cases' processes is not gone through in each
        rounds, end = 0, time.monotonic() + 60 * options.minutes
        while time.monotonic() < end or (not options.minutes and rounds < options.rounds):
            for attack in attacks:
                attack.round()
            rounds += 1
    sys.stdout.write(table(attacks) + "\n")
    return int(any(attack.counts[kind] for attack in attacks for kind in KINDS_OF_FAULT))


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    kills.preload()
    sys.exit(main())
