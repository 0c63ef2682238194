"""The charts that the demo's report does not have, drawn from the demo's features and music.

python docs/pictures/draw.py            # after genreclf demo; about a minute
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import genreclf
from genreclf.reports import write_report
from genreclf.reports.run_comparison_page import write_run_comparison

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


def draw(folder: Path) -> None:
    """Draw into a folder what the demo's own report leaves out."""
    table = genreclf.FeatureTable.read(ROOT / "features" / "demo.csv")
    models = ("svc", "logreg")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        whole = genreclf.benchmark(
            table, models=models, probabilities=True, ablate=True, learning_curve=True, repeats=1
        )
        write_report(whole, place)
        study = genreclf.benchmark(table, models=models, features=["study"], repeats=1)
        write_run_comparison(genreclf.compare_runs({"texture": whole, "study": study}), place / "runs.html")
        for picture in (place / "pictures").glob("*.svg"):
            in_demo = (ROOT / "reports" / "demo" / "pictures" / picture.name).exists()
            if not in_demo and not picture.stem.endswith("-2"):  # of the second model
                (folder / picture.name).write_bytes(picture.read_bytes())


if __name__ == "__main__":
    draw(HERE)
