"""The notebooks run from top to bottom, with what the repository has."""

import json

import matplotlib
import nbformat
import pytest

from tests.rules import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(path):
    """Run the cells of a notebook, which have no commands of IPython, in one name space."""
    names = {}
    for number, cell in enumerate(json.loads(path.read_text())["cells"]):
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec")
            exec(code, names)
    return names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_has_no_outputs(path):
    """They would grow old; the file is valid."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_blends_of_own_galaxies_are_measured_by_all_methods(monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    matplotlib.use("agg")
    names = run(ROOT / "notebooks/your_blends.ipynb")
    table = names["table"]
    assert set(table.index) == {"SEP", "fit", "blend2flux", "mine"}
    assert (table["n_measured"] > 4).all()
    # The fit knows the light of both galaxies; circles of a fixed size lose light.
    assert table.loc["fit", "nmad_mag"] < table.loc["mine", "nmad_mag"]
    assert table.loc["mine", "bias_mag"] > 0
