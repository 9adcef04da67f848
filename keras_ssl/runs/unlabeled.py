"""The samples that an objective is pretrained on, by the options of the command line."""

import pathlib
from collections.abc import Mapping
from typing import Any

from keras_ssl import data, names, recipes
from keras_ssl.data.loading import is_path

__all__ = ["load_unlabeled"]

_SIDE = 64  # of the frames of videos, which are seldom small enough for their recipe


def load_unlabeled(objective: str, dataset: str, options: Mapping[str, Any], **reading: Any) -> data.Source:
    """Load the samples that an objective is for.

    Args:
        objective: Name of the objective, such as "simclr".
        dataset: Name, folder or file.
        options: "size", "length", "vocabulary", "rate" and "seconds" as the command line has them, or None.
        **reading: Arguments of `data.load` for all kinds: `fit`, `background`, `trust`, `skip_broken`, `say`.

    Raises:
        UserError: If an option is for other kinds of data, or there is no such data set.
    """
    kind = names.KIND_OF.get(objective, "image")
    given = {name: value for name, value in options.items() if value is not None}
    names.check_options(objective, given)
    if kind == "ids":
        return recipes.text.corpus(data.texts(dataset, say=reading["say"]), **given)
    if kind == "image, ids":
        return data.pairs(dataset, **given, **reading)
    if kind == "video":
        given = {"size": given.get("size", _SIDE), "frames": given.get("length")}
    elif kind == "audio":
        given = {"rate": given.get("rate"), "length": given.get("seconds")}
    split = "train" if is_path(dataset) else recipes.UNLABELED.get(dataset, "train")
    wanted = None if kind == "image" and not _has_files(dataset) else kind
    return data.load(dataset, split, kind=wanted, **given, **reading)


def _has_files(dataset):
    """Whether it is a folder of files, whose kind is known by the objective: of arrays it is known by themselves."""
    path = pathlib.Path(dataset).expanduser()
    return path.is_dir() and not any(path.glob("*.npz"))
