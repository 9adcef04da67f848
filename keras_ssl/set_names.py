"""The names of TensorFlow Datasets' sets, read from its files: importing it takes seconds."""

import functools
import importlib.util
import os
import pathlib
import re
from typing import Any

__all__ = ["exists", "is_whole_name", "known"]

_WITHOUT_SETS = {"core", "dataset_collections", "proto", "scripts", "testing", "url_checksums"}
_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)
_NO_SET = re.compile(r"config|info\d*|builder|data_source")
"""How the names of classes that are no sets end."""


def exists(name: str) -> bool:
    """Return whether TensorFlow Datasets has a set of this name, or one is prepared in its folder.

    Args:
        name: Name of a set, with configuration and version if wanted: "mnist", "cifar10_corrupted/fog_1".
    """
    if not is_whole_name(name):
        return False
    base = _snake_case(re.split("[/:]", name)[0])
    prepared = pathlib.Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
    return any((folder / base).is_dir() for folder in (_root() / "datasets", prepared)) or base in known()


def is_whole_name(name: str) -> bool:
    """Return whether a name consists of the set's own, a configuration and a version, of which only the first must be.

    TensorFlow Datasets takes others, such as "huggingface:mnist", but tries the network for half a minute.

    Args:
        name: The name.
    """
    return re.fullmatch(r"\w+(/[\w.\-]+)?(:[\d.*]+)?", name) is not None


@functools.cache
def known() -> frozenset[str]:
    """Return the names of all sets; a few names that are none are among them."""
    names = {folder.name for folder in (_root() / "datasets").iterdir() if folder.is_dir()}
    for folder in _root().iterdir():
        if folder.is_dir() and folder.name not in {*_WITHOUT_SETS, "datasets"}:
            for file in folder.rglob("*.py"):
                if not file.name.endswith("_test.py"):
                    names |= {_snake_case(found) for found in _CLASS.findall(file.read_text(encoding="utf-8"))}
    return frozenset(name for name in names if not re.fullmatch(rf".*_({_NO_SET.pattern})", name) and name[0] != "_")


def _root():
    spec: Any = importlib.util.find_spec("tensorflow_datasets")
    return pathlib.Path(spec.submodule_search_locations[0])


def _snake_case(name):
    """As TensorFlow Datasets names a set after its class."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
