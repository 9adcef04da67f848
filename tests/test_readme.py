"""The README is true: its snippet runs, its commands and targets are there, and so is every file that it links to."""

import importlib
import json
import pathlib
import re
import shlex

import numpy as np
import pytest
import typer

from keras_ssl import cli, encoders, views

ROOT = pathlib.Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?:^|`)keras-ssl ([^`\n]+)", TEXT, flags=re.MULTILINE)
TARGETS = sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, flags=re.MULTILINE)))
LINKED = re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", TEXT) + re.findall(r'<img src="([^"]+)"', TEXT)
LINKS = sorted({link.split("#")[0] for link in LINKED})
SCRIPTS = sorted(set(re.findall(r"(?:^|`)python\s+([\w/.]+\.py)", TEXT, flags=re.MULTILINE)))


def test_the_snippet_runs_as_it_stands_but_for_the_epochs(tmp_path, monkeypatch):
    snippet = re.search(r"```python\n(.*?)```", TEXT, flags=re.DOTALL).group(1)
    quick, replaced = re.subn(r"epochs=\d+", "epochs=1", snippet)
    assert replaced == 3
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(quick, "README.md", "exec"), names)
    version = tmp_path / "models" / "digits" / "1"
    assert {"saved_model.pb", "model.onnx", "manifest.json"} <= {path.name for path in version.iterdir()}
    assert int(names["simclr"].step) == 5  # 1,400 images in whole batches of 256
    assert names["classifier"].output_shape == (None, 10)
    assert all(layer.trainable for layer in names["encoder"].layers)


def test_the_snippet_of_a_recipe_runs():
    snippet = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)[1]
    names = {}
    exec(compile(snippet.replace("epochs=5", "epochs=1"), "README.md", "exec"), names)
    assert names["new"].shape == names["rebuilt"].shape == (16, 28, 28, 1)
    assert names["classifier"].output_shape == (None, 10)


def test_there_are_commands_and_targets():
    assert {"pretrain", "evaluate", "finetune", "export"} <= {command.split()[0] for command in COMMANDS}
    assert {"demo", "test"} <= set(TARGETS)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_line_is_understood(words):
    name, *arguments = shlex.split(words, comments=True)
    command = typer.main.get_command(cli.app).commands[name]
    command.make_context(name, arguments)  # raises on an unknown option, a missing one or a wrong type


@pytest.mark.parametrize("target", TARGETS)
def test_a_make_target_is_there(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("path", LINKS + SCRIPTS)
def test_a_file_that_is_named_is_there(path):
    assert (ROOT / path).exists()


SECTIONS = {
    "label_efficiency_digits": "label_efficiency",
    "label_efficiency_mnist": "label_efficiency",
    "label_efficiency_fashion_mnist": "label_efficiency",
    "joint_embedding_fashion_mnist": "joint_embedding",
    "joint_embedding_cifar10": "joint_embedding",
    "classical_cifar10": "classical",
    "classical_fashion_mnist": "classical",
    "classical_mnist": "classical",
    "generative_likelihood": "generative",
    "generative_samples": "generative",
    "masked_autoencoder": "masked_autoencoder",
    "autoencoders": "autoencoders",
    "mnist_to_cifar10": "mnist_to_cifar10",
    "views": "views",
    "resnet_step": "resnet_step",
    "collapse": "collapse",
    "replicas": "replicas",
}


@pytest.mark.parametrize(("file", "script"), SECTIONS.items())
def test_a_section_is_that_of_the_committed_result(file, script):
    """`pythonpath` in setup.cfg lets the benchmarks be imported."""
    assert importlib.import_module(script).section(committed(file)) in TEXT


def test_no_section_is_without_a_result():
    assert TEXT.count("<!-- end -->") == len(SECTIONS)
    assert {file.stem for file in (ROOT / "benchmarks/results").glob("*.json")} == set(SECTIONS)


def committed(file):
    return json.loads((ROOT / f"benchmarks/results/{file}.json").read_text())


def test_the_snippet_under_a_strategy_runs_on_one_device(monkeypatch):
    policy = views.digits()
    policy.pure = False  # or XLA would compile it, as it does for the first snippet
    monkeypatch.setattr(views, "digits", lambda: policy)
    snippet = re.search(r"```py\n(.*?)```", TEXT, flags=re.DOTALL)[1]
    namespace = {}
    exec(snippet.replace('"mirrored"', '"none"').replace("epochs=5", "epochs=1"), namespace)
    assert int(namespace["byol"].step) == 5


def test_replicas_train_as_one():
    result = committed("replicas")
    assert max(max(figures.values()) for by_case in result.values() for figures in by_case.values()) <= 1e-5


def test_the_objective_of_ones_own_trains():
    namespace = {}
    _, definition, use = re.findall(r"```py\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(definition, namespace)
    exec(use.replace("epochs=5", "epochs=1"), namespace)
    assert int(namespace["denoiser"].step) == 6
    objective = namespace["Denoiser"](encoders.mlp((4, 4, 1), (8, 4)))
    objective.compile("adam", run_eagerly=True)
    assert objective.fit(np.full((4, 4, 4, 1), 0.5, "float32"), verbose=0).history["loss"][0] > 0
