"""The names that a user writes, known without importing what they stand for, and the errors about wrong ones."""

import difflib
import pathlib
from collections.abc import Iterable
from typing import Any

from keras_ssl import set_names
from keras_ssl.backends import require
from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = [
    "CLASSICAL",
    "EMBEDDED",
    "JOINT_EMBEDDING",
    "STRATEGIES",
    "check_dataset",
    "check_model_file",
    "check_objective",
    "check_strategy",
    "mistyped",
]

JOINT_EMBEDDING = {
    "simclr": "SimCLR",
    "moco": "MoCo",
    "nnclr": "NNCLR",
    "byol": "BYOL",
    "simsiam": "SimSiam",
    "dino": "DINO",
    "barlow_twins": "BarlowTwins",
    "vicreg": "VICReg",
    "swav": "SwAV",
}
"""Joint-embedding objectives: their names on the command line and in `recipes.small_images`, and their classes."""

CLASSICAL = (
    "autoencoder",
    "bottleneck_autoencoder",
    "dense_autoencoder",
    "deep_dense_autoencoder",
    "sparse_autoencoder",
    "denoising_autoencoder",
    "variational_autoencoder",
    "gan",
    "bigan",
    "masked_autoencoder",
    "inpainting",
    "rotation",
    "flip",
    "jigsaw",
    "attributes",
)
"""All other objectives, by the names of their recipes in `recipes.small_images`."""

EMBEDDED = ("digits",)
"""Data sets that need neither a file nor a network; `data.readers` has a function `load_<name>` for each."""

STRATEGIES = ("none", "mirrored", "multiworker")
"""Names for `distribute.strategy`."""


def check_objective(name: str) -> None:
    """Raise unless there is an objective of this name.

    Args:
        name: Such as "simclr".

    Raises:
        UserError: If there is none.
    """
    _check_among("an objective", name, [*JOINT_EMBEDDING, *CLASSICAL])


def check_strategy(name: Any) -> None:
    """Raise unless there is a distribution strategy of this name.

    Args:
        name: Such as "mirrored".

    Raises:
        UserError: If there is none.
    """
    _check_among("a strategy", name, STRATEGIES)


def check_dataset(name: Path) -> None:
    """Raise if no data set can have this name. Nothing is loaded, and none that exists is refused.

    Args:
        name: Name of an embedded set or of a set of TensorFlow Datasets, or path of a folder or file.

    Raises:
        UserError: If it is none of these, or TensorFlow Datasets is not installed.
    """
    path = pathlib.Path(name).expanduser()
    if name in EMBEDDED or path.is_dir() or (path.suffix == ".npz" and path.is_file()):
        return
    if not isinstance(name, str) or name.startswith((".", "/", "~")):
        raise UserError("a folder of images", f"{_mistyped_path(path)}, which is not a folder", "check the path")
    embedded = f"the embedded sets ({', '.join(EMBEDDED)})"
    require("tensorflow_datasets", f"which has all sets but {embedded}; there is no folder {_mistyped_path(path)}")
    if not set_names.exists(name):
        do = "see `tfds.list_builders()` for the names"
        raise UserError(
            f"a folder, one of {embedded} or an image set of TensorFlow Datasets",
            f"{mistyped(name, [*EMBEDDED, *set_names.known()])}, which is none of them",
            f"check the path: there is no folder {path.resolve()}" if "/" in name else f"check the path, or {do}",
        )


def check_model_file(path: Path) -> None:
    """Raise unless a path is that of a `.keras` file.

    Args:
        path: Path of the file.

    Raises:
        UserError: If there is no such file, or its name has another ending.
    """
    path = pathlib.Path(path)
    if not path.is_file() or path.suffix != ".keras":
        received = str(path) if path.exists() else f"{_mistyped_path(path)}, which does not exist"
        raise UserError("a .keras file", received, "give the path of a saved model")


def mistyped(name: str, known: Iterable[str]) -> str:
    """Return a wrong name as errors show it: quoted, and with the known names that it is close to.

    Args:
        name: Name as the user wrote it.
        known: Names that there are.

    Returns:
        Text such as "'simclear' (did you mean 'simclr'?)".
    """
    return f"{name!r}{_suggestion(name, known)}"


def _suggestion(name, known):
    close = difflib.get_close_matches(name, known)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def _mistyped_path(path):
    """The same for a path, unquoted, and names in its folder."""
    there = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    return f"{path}{_suggestion(path.name, there)}"


def _check_among(kind, name, known):
    if name not in known:
        raise UserError(f"{kind} among {', '.join(known)}", mistyped(str(name), known), "choose one of these")
