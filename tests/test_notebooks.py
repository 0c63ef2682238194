"""The example notebooks run from top to bottom, show their results, and hold outputs of what they say now."""

from importlib import util
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the notebooks need the extra 'docs'")
pytest.importorskip("nbclient", reason="the notebooks need the extra 'docs'")
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
_SPEC = util.spec_from_file_location("run", FOLDER / "run.py")
run = util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(run)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The cells of all notebooks by their ids, run in one kernel, which forgets all names between two of them."""
    code = nbformat.v4.new_code_cell
    here = str(Path(__file__).parent)
    # One core, so that models are fitted in the kernel too.
    setup = f"""
import os, sys; sys.path.insert(0, {here!r})
import without_workers as w; w.without_workers()
if hasattr(os, "sched_setaffinity"): os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
"""
    whole = nbformat.v4.new_notebook(cells=[code(setup)], metadata={"kernelspec": KERNEL})
    for place in run.NOTEBOOKS:
        whole.cells += [*nbformat.read(place, as_version=4).cells, code("%reset -f")]
    folder = tmp_path_factory.mktemp("notebooks")
    nbformat.write(whole, folder / "whole.ipynb")
    return {cell.id: cell for cell in run.executed(folder / "whole.ipynb", folder).cells}


def shown(cells):
    """What code cells show, by its type."""
    every = (cell.outputs for cell in cells if cell.cell_type == "code")
    return [output.data for outputs in every for output in outputs if "data" in output]


def test_every_notebook_runs_and_shows_cards(cells):
    for place in run.NOTEBOOKS:
        own = [cells[cell.id] for cell in nbformat.read(place, as_version=4).cells]
        cards = [data for data in shown(own) if "genreclf-card" in data.get("text/html", "")]
        assert len(cards) >= 3, place.name
        assert any("<svg" in card["text/html"] for card in cards), place.name
        assert all("\n" not in card["text/plain"] for card in cards), place.name


def test_bars_go_away_when_the_work_is_done(cells):
    assert [data for data in shown(cells.values()) if "<progress" in data.get("text/html", "")] == []


@pytest.mark.parametrize("place", run.NOTEBOOKS, ids=lambda place: place.stem)
def test_a_notebook_is_kept_with_the_outputs_of_a_whole_run(place):
    notebook = nbformat.read(place, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run: python docs/notebooks/run.py"
    assert "tmp" not in place.read_text(encoding="utf-8").split("/")
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    assert place.stat().st_size < 400_000
