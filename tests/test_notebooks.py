"""Every notebook runs from top to bottom, with its sizes made small."""

import pathlib
import re

import matplotlib
import nbformat
import pytest
import tensorflow as tf
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from quick import dear, eagerly

from keras_ssl import data, encoders, views

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
    "RECORDINGS": 200,
    "TEXTS": 60,
    "VIDEOS": 20,
    "VIDEO_EPOCHS": 1,
    "WORD_EPOCHS": 1,
    "DAYS": 60,
    "DOCTOR_EPOCHS": 2,
}


class Results(DisplayHook):
    """Keep what a cell ends with among what it displays."""

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.display_pub.publish(format_dict, md_dict)


class Shell(InteractiveShell):
    """A notebook's shell in this process: a kernel of its own would have to import TensorFlow again."""

    display_pub_class = CapturingDisplayPublisher
    displayhook_class = Results

    def enable_gui(self, gui=None):
        """`%matplotlib inline` asks for no window."""


@pytest.fixture(scope="module")
def shell():
    """The one shell of all notebooks."""
    yield Shell.instance()
    Shell.clear_instance()
    matplotlib.use("agg")


@pytest.fixture
def quick(monkeypatch):
    """Have notebooks see some of the images and one batch an epoch, with narrow encoders, and compile nothing."""
    load, batches, conv_net, digits = data.load, data.batches, encoders.conv_net, views.digits
    dilated_conv, time_series = encoders.dilated_conv, views.time_series

    thin = {"width": 4, "depth": 2, "output_width": 8}

    def narrow(shape, *widths, **options):
        return conv_net(shape, *(widths or [(8, 16)]), **options)

    monkeypatch.setattr(data, "load", lambda *words, **options: load(*words, **options)[:700])
    monkeypatch.setattr(data, "batches", lambda *words, **options: batches(*words, **options).take(1))
    monkeypatch.setattr(encoders, "conv_net", narrow)
    monkeypatch.setattr(encoders, "dilated_conv", lambda *words, **options: dilated_conv(*words, **options | thin))
    monkeypatch.setattr(views, "digits", lambda: eagerly(digits()))
    monkeypatch.setattr(views, "time_series", lambda: eagerly(time_series()))
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def with_small_sizes(notebook):
    """Replace the numbers of the one cell that starts with `# Sizes`."""
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith("# Sizes")]
    lines = cell.source.splitlines()
    names = [match.group(1) for line in lines if (match := re.match(r"([A-Z_]+) = ", line))]
    assert names
    assert set(names) <= set(SMALL), "give each size a small value in SMALL"
    cell.source = "\n".join(f"{name} = {SMALL[name]}" for name in names)
    return notebook


@pytest.mark.parametrize("path", [NOTEBOOKS[0], *dear(NOTEBOOKS[1:])], ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_pictures(path, tmp_path, monkeypatch, shell, quick):
    monkeypatch.chdir(tmp_path)
    shell.reset()
    shell.display_pub.outputs.clear()
    notebook = with_small_sizes(nbformat.read(path, as_version=4))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shell.run_cell(cell.source).raise_error()
    assert sum("image/png" in output["data"] for output in shell.display_pub.outputs) >= 5
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
