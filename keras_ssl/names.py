"""The names that a user writes, known without importing what they stand for, and the errors about wrong ones."""

import difflib
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from keras_ssl import set_names
from keras_ssl.backends import require
from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = [
    "CLASSICAL",
    "EMBEDDED",
    "FITS",
    "INPUT_DTYPES",
    "JOINT_EMBEDDING",
    "KIND_OF",
    "PAIRS",
    "SERIES",
    "SERIES_FILES",
    "SPEECH",
    "STRATEGIES",
    "TABLES",
    "TEXT",
    "TEXT_FILES",
    "VIDEO",
    "WAYS",
    "background",
    "check_dataset",
    "check_fit",
    "check_input_dtype",
    "check_model_file",
    "check_no_path",
    "check_objective",
    "check_options",
    "check_strategy",
    "check_way",
    "mistyped",
    "no_such_dataset",
    "objectives_for",
    "require_datasets",
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

WAYS = {
    "linear_probe": "linear probe",
    "fine_tune": "fine-tuned, random head",
    "lp_ft": "LP-FT",
    "gradual": "gradual unfreezing",
    "layer_decay": "layer-wise decay",
    "l2_sp": "L2-SP",
    "lora": "LoRA",
    "bitfit": "BitFit",
    "prototypes": "prototypes",
}
"""Ways to fine-tune: their names in `transfer.WAYS` and on the command line, and what they are called in tables."""

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

TEXT = ("masked_language_model", "causal_language_model")
"""Language models, by the names of their recipes in `recipes.text`."""

SERIES = ("ts2vec", "simclr_series", "vicreg_series")
"""Objectives of series, by the names of their recipes in `recipes.series`."""

SPEECH = ("wav2vec2", "simclr_speech")
"""Objectives of sound, by the names of their recipes in `recipes.speech`."""

VIDEO = ("frame_prediction",)
"""Objectives of video, by the names of their recipes in `recipes.video`."""

PAIRS = ("clip",)
"""Objectives on pictures with texts, by the names of their recipes in `recipes.pairs`."""

_KINDS = {"ids": TEXT, "series": SERIES, "audio": SPEECH, "video": VIDEO, "image, ids": PAIRS}
KIND_OF = {name: kind for kind, objectives in _KINDS.items() for name in objectives}
"""Kinds of data of those objectives that are not for images alone, by name, as `Source.kind` has them."""

_CALLED = {
    "image": "images",
    "ids": "texts",
    "series": "series",
    "audio": "recordings",
    "video": "videos",
    "image, ids": "images with texts",
}
_PICTURES, _TEXTS = ("image", "video", "image, ids"), ("ids", "image, ids")
_OPTIONS = {
    "size": _PICTURES,
    "fit": _PICTURES,
    "background": _PICTURES,
    "rate": ("audio",),
    "seconds": ("audio",),
    "vocabulary": _TEXTS,
    "length": (*_TEXTS, "video"),
}
"""Kinds of data that options of `pretrain` are for, where not for all."""
_SHOWN = 4  # objectives in a sentence

EMBEDDED = ("digits",)
"""Data sets that need neither a file nor a network; `data.readers` has a function `load_<name>` for each."""
_EMBEDDED = f"the embedded sets ({', '.join(EMBEDDED)})"

TEXT_FILES = tuple(f"{ending}{packed}" for ending in (".txt", ".csv", ".tsv", ".jsonl") for packed in ("", ".gz"))
"""Endings of files of texts, for `data.texts`."""

SERIES_FILES = tuple(f"{ending}{packed}" for ending in (".ts", ".csv", ".tsv") for packed in ("", ".gz"))
"""Endings of files of series, for `data.load`."""
TABLES = tuple(ending for ending in TEXT_FILES if not ending.startswith(".txt"))
"""Endings of tables, which may have a column of pictures beside that of texts, for `data.pairs`."""

_READ = "a folder of images, recordings or videos, or a file of arrays, series, texts, or pictures with texts"

STRATEGIES = ("none", "mirrored", "multiworker")
"""Names for `distribute.strategy`."""

FITS = ("crop", "pad", "stretch")
"""Ways to bring a picture to a size, for `data.load`: scaled to cover it and cropped at the center; scaled to fit into
it and padded; scaled to it as it is."""

INPUT_DTYPES = ("float32", "uint8", "int16")
"""Dtypes that clients of an exported model may send, of which each kind of data takes some."""


def check_objective(name: str) -> None:
    """Raise unless there is an objective of this name.

    Args:
        name: Such as "simclr".

    Raises:
        UserError: If there is none.
    """
    _check_among("an objective", name, [*JOINT_EMBEDDING, *CLASSICAL, *KIND_OF])


def check_way(name: str) -> None:
    """Raise unless there is a way to fine-tune of this name.

    Args:
        name: Such as "lora".

    Raises:
        UserError: If there is none.
    """
    _check_among("a way", name, [*WAYS])


def check_options(objective: str, given: Iterable[str]) -> None:
    """Raise if an option of `pretrain` is for another kind of data than an objective.

    Args:
        objective: Name of the objective.
        given: Names of the options that are given.

    Raises:
        UserError: If there is such an option; the error names the first.
    """
    kind = KIND_OF.get(objective, "image")
    for name in given:
        kinds = _OPTIONS.get(name, (kind,))
        if kind not in kinds:
            called = ", ".join(_CALLED[one] for one in kinds)
            raise UserError(
                f"options for {_CALLED[kind]}, which {objective} is for",
                f"--{name}, which is for {called}",
                f"leave it out, or choose another objective: {objectives_for(*kinds)}",
            )


def objectives_for(*kinds: str) -> str:
    """Return the names of the first objectives that have recipes for some kinds of data, for a sentence.

    Args:
        *kinds: Kinds, as `Source.kind` has them.

    Returns:
        Text such as "wav2vec2, simclr_speech"; empty if there are none.
    """
    wanted = [set(kind.split(", ")) for kind in kinds]
    every = [*JOINT_EMBEDDING, *CLASSICAL, *KIND_OF]
    found = [name for name in every if set(KIND_OF.get(name, "image").split(", ")) in wanted]
    return ", ".join(found[:_SHOWN]) + ", …" * (len(found) > _SHOWN)


def check_strategy(name: Any) -> None:
    """Raise unless there is a distribution strategy of this name.

    Args:
        name: Such as "mirrored".

    Raises:
        UserError: If there is none.
    """
    _check_among("a strategy", name, STRATEGIES)


def check_fit(name: Any) -> None:
    """Raise unless there is a way of this name to bring a picture to a size.

    Args:
        name: Such as "crop".

    Raises:
        UserError: If there is none.
    """
    _check_among("a fit", name, FITS)


def background(given: Any) -> tuple[int, ...]:
    """Return the color behind transparent and around padded pictures as red, green and blue in 0..255.

    Args:
        given: A name or "#rrggbb", as Pillow knows them, or the three integers.

    Raises:
        UserError: If it is no color.
    """
    from PIL import ImageColor

    try:
        if isinstance(given, str):
            return ImageColor.getrgb(given)[:3]
        if isinstance(given, Sequence) and len(given) == 3 and all(0 <= value <= 255 for value in given):
            return tuple(int(value) for value in given)
    except (ValueError, TypeError):
        pass
    raise UserError(
        "a background color: a name, '#rrggbb', or red, green and blue in 0..255", repr(given), 'write "white"'
    )


def check_input_dtype(name: str) -> None:
    """Raise unless clients may send a dtype of this name.

    Args:
        name: Such as "uint8".

    Raises:
        UserError: If they may not.
    """
    _check_among("an input dtype", name, INPUT_DTYPES)


def check_dataset(name: Path) -> None:
    """Raise if no data set can have this name. Nothing is loaded, and none is refused that the command line can load.

    Args:
        name: Name of an embedded set or of a set of TensorFlow Datasets, or path of a folder or file.

    Raises:
        UserError: If it is none of these, or TensorFlow Datasets is needed and not installed.
    """
    path = pathlib.Path(name).expanduser()
    endings = (".npz", *TEXT_FILES, *SERIES_FILES)
    if name in EMBEDDED or path.is_dir() or (path.name.lower().endswith(endings) and path.is_file()):
        return
    check_no_path(name)
    require_datasets(str(name))
    if not set_names.exists(str(name)):
        raise no_such_dataset(str(name))


def check_no_path(
    name: Path,
    expected: str = _READ,
    endings: tuple[str, ...] = (".npz", *TEXT_FILES, *SERIES_FILES),
) -> None:
    """Raise if what is no folder or file was meant as one.

    Args:
        name: Name or path.
        expected: What was expected, for the error. Default: one of what the commands read.
        endings: Endings of files that it might be. Default: those that the commands read.

    Raises:
        UserError: If it is a `pathlib.Path`, or begins as only a path does; or if it is a file with an ending.
    """
    if pathlib.Path(name).suffix and pathlib.Path(name).expanduser().is_file():
        do = "put images, recordings or videos into a folder, and give its path"
        raise UserError(expected, f"{name}, a file of another kind", do)
    if isinstance(name, pathlib.Path) or str(name).startswith((".", "/", "~")):
        path = pathlib.Path(name).expanduser()
        there = (file.name for file in _beside(path) if file.is_dir() or file.name.endswith(endings))
        missing = "is not a folder" if path.exists() else "does not exist"
        received = f"{path}{_suggestion(path.name, there)}, which {missing}"
        raise UserError(expected, received, "check the path")


def require_datasets(name: str) -> None:
    """Raise unless TensorFlow Datasets and all that it needs are installed.

    Args:
        name: Name of the set that is to be loaded.

    Raises:
        UserError: If a package is not installed.
    """
    for package in ("tensorflow_datasets", "tensorflow", "importlib_resources"):
        require(package, f"which has all data sets but {_EMBEDDED}; there is no folder {name}")


def no_such_dataset(name: str) -> UserError:
    """Return the error about a name that is neither a folder nor a data set.

    Args:
        name: The name.
    """
    return UserError(
        f"a folder, one of {_EMBEDDED} or an image set of TensorFlow Datasets",
        f"{mistyped(name, [*EMBEDDED, *set_names.known()])}, which is none of them",
        f"check the path: there is no folder {pathlib.Path(name).resolve()}"
        if "/" in name
        else "check the path, or see `tfds.list_builders()` for the names",
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
        there = (file.name for file in _beside(path) if file.suffix == ".keras")
        missing = "" if path.exists() else f"{_suggestion(path.name, there)}, which does not exist"
        raise UserError("a .keras file", f"{path}{missing}", "give the path of a saved model")


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
    close = difflib.get_close_matches(name, list(known))
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def _beside(path):
    return path.parent.iterdir() if path.parent.is_dir() else ()


def _check_among(kind, name, known):
    if name not in known:
        raise UserError(f"{kind} among {', '.join(known)}", mistyped(str(name), known), "choose one of these")
