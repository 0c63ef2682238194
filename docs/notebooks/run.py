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
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}, record_timing=False)
    return client.execute()


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what progress bars leave behind, and without what is of this machine."""
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_empty(output)]
    return notebook


def _is_empty(output: nbformat.NotebookNode) -> bool:
    return output.output_type == "display_data" and not any(output.data.values())


if __name__ == "__main__":
    for place in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as scratch:
            nbformat.write(cleaned(executed(place, Path(scratch))), place)
