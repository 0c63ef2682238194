"""The example notebooks, run from top to bottom, their outputs kept in them.

    python docs/notebooks/run.py            # of the extra `docs`

Each runs in a folder of its own, on music that the program makes itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """A notebook after it was run in a folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError : a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, startup_timeout=300, resources={"metadata": {"path": str(folder)}}, record_timing=False
    )
    return client.execute()


def cleaned(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook without what bars and warnings leave behind, and without what is of the machine it was run on."""
    notebook = nbformat.reads(nbformat.writes(notebook).replace(f"{folder.resolve()}/", ""), as_version=4)
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_left_over(output)]
    return notebook


def _is_left_over(output: nbformat.NotebookNode) -> bool:
    """A bar that is gone, or the warning that imports of libraries give in a notebook without ipywidgets."""
    bar = output.output_type == "display_data" and not any(output.data.values())
    return bar or output.get("name") == "stderr"


if __name__ == "__main__":
    for place in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as scratch:
            nbformat.write(cleaned(executed(place, Path(scratch)), Path(scratch)), place)
