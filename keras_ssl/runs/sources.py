"""Data sets in the size that a model takes."""

import pathlib
from collections.abc import Callable

import keras

from keras_ssl import checks, data

__all__ = ["load_fitting", "load_labeled"]


def load_fitting(dataset: str, split: str, model: keras.Model) -> data.Source:
    """Load a split of a data set, with images resized to what a model takes.

    Args:
        dataset: Name or folder, see `data.load`.
        split: Split of the data set, such as "train".
        model: `keras.Model` of images.

    Raises:
        UserError: If there is no such data set, or its images do not fit the model.
    """
    size = model.input_shape[1:3] if None not in model.input_shape[1:3] else None
    source = data.load(dataset, split, size)
    checks.check_fits(source.images, model)
    return source


def load_labeled(
    dataset: str, model: keras.Model, say: Callable[[str], object] | None = None
) -> tuple[data.Source, data.Source]:
    """Load the train and test splits of a labeled data set, with images resized to what a model takes.

    Args:
        dataset: Name or folder. For a folder without a test split, a fifth of its images is used for testing.
        model: `keras.Model` of images.
        say: Called with a sentence if images are held out for testing, or None.

    Returns:
        `(train, test)`, two `data.Source`s.

    Raises:
        UserError: If there is no such data set, it has no labels, or its images do not fit the model.
    """
    train = load_fitting(dataset, "train", model)
    data.check_labeled(train)
    if pathlib.Path(dataset).is_dir() and not (pathlib.Path(dataset) / "train").is_dir():
        train, test = train.split(0.8)
        if say is not None:
            say(
                f"No test split: {len(test):,} of the images, drawn with seed 0, are held out for testing. "
                f"One image is {100 / len(test):.2g} points of accuracy."
            )
        return train, test
    test = load_fitting(dataset, "test", model)
    data.check_labeled(test)
    return train, test
