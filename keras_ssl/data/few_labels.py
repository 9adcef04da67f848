"""The few labeled samples that a pretrained encoder is transferred with."""

import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.typing import Samples

__all__ = ["few", "few_indices"]


def few(source: Source, labels_per_class: int, seed: int = 0) -> tuple[Samples, np.ndarray]:
    """Draw the same number of labeled samples from every class.

    Draws with one seed are nested: the samples drawn for 1 label per class are among those drawn for 5.

    Args:
        source: A `Source` with labels.
        labels_per_class: Number of samples of each class, at least 1.
        seed: Seed of the draw, a non-negative integer. Default: 0.

    Returns:
        `(inputs, labels)`: samples as a model takes them, such as float32 images in 0..1 of shape
        `(classes * labels_per_class, height, width, channels)`, and integers of shape `(classes * labels_per_class,)`.
        The classes alternate.

    Raises:
        UserError: If there are no labels, a class has too few samples, or the samples cannot be trained on.

    Example:
        `images, labels = data.few(train, labels_per_class=5, seed=0)`
    """
    chosen = source[few_indices(source, labels_per_class, seed)]
    chosen.check()
    return chosen.inputs(), np.asarray(chosen.labels)


def few_indices(source: Source, labels_per_class: int, seed: int = 0) -> np.ndarray:
    """Return the indices of the samples that `few` draws, an integer array `(classes * labels_per_class,)`.

    Args:
        source: See `few`.
        labels_per_class: See `few`.
        seed: See `few`.

    Raises:
        UserError: If there are no labels, or a class has too few samples.
    """
    if not isinstance(source, Source):
        raise UserError("a Source", type(source).__name__, "make one with `data.from_arrays(images, labels)`")
    if source.labels is None:
        raise UserError(
            "a source with labels",
            f"{source.name} without labels",
            "give `data.from_arrays(images, labels)`, or sort the images of a folder into one subfolder for each class",
        )
    check_between("labels_per_class", labels_per_class, least=1, whole=True)
    classes = np.unique(source.labels) if source.classes is None else range(source.classes)
    return np.stack([_of_class(source, number, labels_per_class, seed) for number in classes], axis=1).reshape(-1)


def _of_class(source, number, count, seed):
    members = np.flatnonzero(source.labels == number)
    if len(members) < count:
        name = f"{number}" if source.class_names is None else f"{number} ({source.class_names[number]})"
        raise UserError(
            f"at least {count} samples of each class in {source.name}",
            f"{len(members)} of class {name}",
            "lower `labels_per_class`, or label more samples",
        )
    return np.random.default_rng([seed, int(number)]).permutation(members)[:count]
