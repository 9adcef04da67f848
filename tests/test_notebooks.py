"""Every notebook runs from top to bottom, with its sizes made small."""

import inspect
import pathlib
import re

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SMALL = {
    "EPOCHS": 1,
    "GAN_EPOCHS": 2,
    "HEAD_EPOCHS": 1,
    "SAMPLES": 100,
    "LATENTS": 2,
    "SEEDS": 1,
    "STEPS": 2,
    "COUNTS": (1, 5),
    "POINTS": 60,
}


def be_quick():
    """Have the kernel see some of the images, with narrow encoders, and views that XLA does not compile."""
    from keras_ssl import data, encoders, views

    load, conv_net, digits = data.load, encoders.conv_net, views.digits

    def narrow(shape, *widths, **options):
        return conv_net(shape, *(widths or [(8, 16)]), **options)

    def uncompiled():
        policy = digits()
        policy.pure = False
        return policy

    data.load = lambda *words, **options: load(*words, **options)[:700]
    encoders.conv_net = narrow
    views.digits = uncompiled


def start_over(folder):
    """Leave nothing of the notebook before, as `%reset` does with its names."""
    import os

    import keras

    os.chdir(folder)
    keras.backend.clear_session()


def calling(function, *arguments):
    """A cell that defines a function, calls it, and forgets all names."""
    source = f"{inspect.getsource(function)}\n{function.__name__}(*{arguments!r})\n%reset -f"
    return nbformat.v4.new_code_cell(source)


def run(cells, kernel):
    """Execute cells as a notebook."""
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, km=kernel, timeout=240).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.fixture(scope="module")
def kernel():
    """The one kernel of all notebooks: importing TensorFlow takes longer than most of them."""
    manager = KernelManager()
    manager.start_kernel()
    run([calling(be_quick)], manager)
    yield manager
    manager.shutdown_kernel(now=True)


def with_small_sizes(notebook):
    """Replace the numbers of the one cell that starts with `# Sizes`."""
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith("# Sizes")]
    lines = cell.source.splitlines()
    names = [match.group(1) for line in lines if (match := re.match(r"([A-Z_]+) = ", line))]
    assert names
    assert set(names) <= set(SMALL), "give each size a small value in SMALL"
    cell.source = "\n".join(f"{name} = {SMALL[name]}" for name in names)
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_pictures(path, tmp_path, kernel):
    notebook = with_small_sizes(nbformat.read(path, as_version=4))
    outputs = run([calling(start_over, str(tmp_path)), *notebook.cells], kernel)
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    if path.stem.endswith("_export"):
        assert list(tmp_path.rglob("model.onnx"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_told_in_order(path):
    assert path.stat().st_size < 200_000
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts in ([None] * len(counts), list(range(1, len(counts) + 1)))


def test_there_is_a_notebook():
    assert [path.name for path in NOTEBOOKS][:1] == ["01_pretrain_transfer_export.ipynb"]
