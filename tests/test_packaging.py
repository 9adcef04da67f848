"""What setup.cfg says: everything that is imported is declared, and what can be left out is asked for in words."""

import ast
import configparser
import pathlib
import re
import sys

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import keras_ssl
from keras_ssl import backends
from keras_ssl.errors import UserError

ROOT = pathlib.Path(keras_ssl.__file__).parents[1]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "tensorflow_datasets": "tensorflow-datasets"}
"""Of packages that are imported by another name."""


def requirements(text):
    lines = [line.strip() for line in text.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


NEEDED = requirements(SETUP["options"]["install_requires"])
EXTRAS = {name: requirements(text) for name, text in SETUP["options.extras_require"].items()}


def distributions(wanted):
    return {requirement.name for requirement in wanted} - {"keras-ssl"}


def imported():
    """Top-level names of other packages that the code imports, anywhere."""
    found = set()
    for path in (ROOT / "keras_ssl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[0] for name in [*names, getattr(node, "module", None) or ""]}
    return found - set(sys.stdlib_module_names) - {"keras_ssl", ""}


def test_what_is_imported_is_installed_with_it_or_by_an_extra_that_errors_name():
    names = {DISTRIBUTIONS.get(name, name): name for name in imported()}
    assert {"numpy", "keras", "tensorflow", "matplotlib"} <= set(names)
    for distribution in set(names) - distributions(NEEDED):
        assert distribution in distributions(EXTRAS[backends.EXTRAS[names[distribution]]])
    assert not distributions(NEEDED) - set(names)
    for package, extra in backends.EXTRAS.items():
        assert DISTRIBUTIONS.get(package, package) in distributions(EXTRAS[extra])


def test_keras_can_do_without_tensorflow_and_no_extra_is_empty():
    assert not distributions(NEEDED) & {"tensorflow", "jax", "tensorflow-datasets", "tf2onnx"}
    assert distributions(EXTRAS["jax"]) == {"jax"}
    assert all(EXTRAS.values())
    (whole,) = EXTRAS["all"]
    assert whole.extras == set(EXTRAS) - {"all", "cv", "dev", "jax", "tensorflow"}


def test_ranges_hold_the_versions_that_are_tested():
    pinned = dict(re.findall(r"^([\w.\-]+)==(.*)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE))
    for requirement in [*NEEDED, *(one for extra in EXTRAS.values() for one in extra)]:
        if requirement.name != "keras-ssl":
            names = {requirement.name, requirement.name.replace("-", "_")}
            (version,) = [pinned[name] for name in names if name in pinned]
            assert version in requirement.specifier, requirement


def test_the_versions_of_python_that_are_claimed_are_those_that_it_installs_on():
    claimed = re.findall(r"Python :: (3\.\d+)$", SETUP["metadata"]["classifiers"], flags=re.MULTILINE)
    assert claimed == [f"3.{n}" for n in range(30) if f"3.{n}" in SpecifierSet(SETUP["options"]["python_requires"])]
    assert "http" not in (ROOT / "setup.cfg").read_text(encoding="utf-8")  # there is no site to link to


@pytest.mark.parametrize("package", backends.EXTRAS)
def test_a_package_that_is_left_out_is_asked_for_by_its_extra(monkeypatch, package):
    backends.require(package, "which is there")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"{package}, which.* without it.*'keras-ssl\[{backends.EXTRAS[package]}\]'"):
        backends.require(package, "which a test needs")


@pytest.mark.parametrize(
    ("backend", "do"),
    [("tensorflow", r"\[tensorflow\]'`, or set KERAS_BACKEND=jax"), ("jax", r"\[jax\]'`"), ("torch", "set")],
)
def test_a_backend_that_is_not_installed_is_asked_for(monkeypatch, backend, do):
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == "keras":
                raise ModuleNotFoundError(f"No module named {backend!r}", name=backend)

    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(UserError, match=f"installed backend of Keras.*without {backend}.*{do}"):
        backends.check_backend()
