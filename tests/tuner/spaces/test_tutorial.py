"""The notebook in docs, run from its first cell to its last."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.kit.paths import ROOT

NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"


def notebook() -> Any:  # nbformat's own type is a dictionary that grows attributes
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def texts(cells: list[Any]) -> str:
    """What the cells of a notebook printed."""
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def test_the_notebook_that_is_shown_was_run_whole() -> None:
    cells = [cell for cell in notebook().cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


def test_it_shows_a_run_and_its_figures() -> None:
    kinds = {
        kind
        for cell in notebook().cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for kind in output.get("data", {})
    }
    assert {"text/html", "image/svg+xml", "image/png"} <= kinds


def test_it_names_no_folder_of_the_machine_that_ran_it() -> None:
    assert str(Path.home()) not in NOTEBOOK.read_text(encoding="utf-8")
    assert "site-packages" not in NOTEBOOK.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    fresh = copy.deepcopy(notebook())
    client = NotebookClient(fresh, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert "exported: " in texts(fresh.cells)
    assert (tmp_path / "runs" / "tutorial" / "report.html").is_file()
