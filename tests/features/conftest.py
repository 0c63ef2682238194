"""Lets the tests import the benchmarks' plain composition of librosa's functions, their yardstick."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
