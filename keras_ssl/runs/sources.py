"""Data sets in the size that a model takes."""

import pathlib
from collections.abc import Callable

import keras

from keras_ssl import data
from keras_ssl.evaluate.sources import as_source

__all__ = ["load_fitting", "load_labeled"]


def load_fitting(dataset: str, split: str, model: keras.Model) -> data.Source:
    """Load a split of a data set as a model takes it: images in its size, arrays of its kinds.

    Args:
        dataset: Name, folder or file, see `data.load`.
        split: Split of the data set, such as "train".
        model: `keras.Model`.

    Raises:
        UserError: If there is no such data set, or its samples do not fit the model.
    """
    return as_source(data.load(dataset, split, like=model), model)


def load_labeled(
    dataset: str, model: keras.Model, say: Callable[[str], object] | None = None
) -> tuple[data.Source, data.Source]:
    """Load the train and test splits of a labeled data set as a model takes them.

    Args:
        dataset: Name, folder or file. A fifth of the samples of a folder or file without a test split is used for
            testing.
        model: `keras.Model`.
        say: Called with a sentence if samples are held out for testing, or None.

    Returns:
        `(train, test)`, two `data.Source`s.

    Raises:
        UserError: If there is no such data set, it has no labels, or its samples do not fit the model.
    """
    train = load_fitting(dataset, "train", model)
    data.check_labeled(train)
    path = pathlib.Path(dataset)
    whole = path.is_file() or (path.is_dir() and not any((path / name).exists() for name in ("train", "test.npz")))
    if whole:
        train, test = train.split(0.8)
        if say is not None:
            say(
                f"No test split: {len(test):,} of the samples, drawn with seed 0, are held out for testing. "
                f"One sample is {100 / len(test):.2g} points of accuracy."
            )
        return train, test
    test = load_fitting(dataset, "test", model)
    data.check_labeled(test)
    return train, test
