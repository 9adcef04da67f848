"""A set of images in memory, with or without labels."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_dtype, check_labels, check_shape
from keras_ssl.errors import UserError

__all__ = ["Source", "check_labeled", "from_arrays"]


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Images in memory in their stored dtype, with labels and other columns if there are any.

    Args:
        images: Array of shape `(n, height, width, channels)`: uint8 in 0..255, or floats in 0..1.
        labels: Integer array of shape `(n,)` with class numbers from 0, or None.
        classes: Number of classes, or None if there are no labels.
        class_names: One name for each class number, or None.
        name: Name of the set in messages. Default: `"images"`.
        columns: Other known values of the samples, a dict from names to arrays of shape `(n,)`, or None.

    Raises:
        UserError: If the rank or dtype of the images, the labels or the columns do not fit this description. Pixel
            values are checked by `batches` and `few`.

    Example:
        `source[:100]` and `source[indices]` are sources of these samples.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    classes: int | None = None
    class_names: tuple | None = None
    name: str = "images"
    columns: dict | None = None

    def __post_init__(self):
        check_shape(self.images, at_least=0)
        check_dtype(self.images, self.dtype)
        if self.labels is not None:
            check_labels(self.labels, len(self.images), self.classes)
        for name, column in (self.columns or {}).items():
            if np.shape(column) != (len(self.images),):
                raise UserError(
                    f"one value of column '{name}' for each of {len(self.images)} images",
                    f"shape {np.shape(column)}",
                    "check where both come from",
                )

    @property
    def dtype(self) -> str:
        """Declared dtype of the images: `"uint8"` in 0..255, or `"float32"` for floats in 0..1."""
        return "uint8" if self.images.dtype == np.uint8 else "float32"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image, `(height, width, channels)`."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self):
        labels = "no labels" if self.labels is None else f"{self.classes} classes"
        return f"Source({self.name!r}, {len(self)} images of shape {self.shape}, {self.images.dtype}, {labels})"

    def __getitem__(self, which: slice | Sequence[int] | np.ndarray) -> "Source":
        """Return the samples of a slice, an array of indices or a boolean mask, as a `Source`."""
        if not isinstance(which, slice):
            which = np.asarray(which)
            if which.ndim != 1:
                raise UserError("a slice or a vector of indices", repr(which), "write `source[i:i + 1]` for one sample")
        labels = None if self.labels is None else self.labels[which]
        columns = None if self.columns is None else {name: column[which] for name, column in self.columns.items()}
        return dataclasses.replace(self, images=self.images[which], labels=labels, columns=columns)

    def floats(self) -> np.ndarray:
        """Return the images as float32 in 0..1, of shape `(n, height, width, channels)`."""
        images = self.images.astype("float32", copy=False)
        return images / np.float32(255) if self.dtype == "uint8" else images

    def split(self, fraction: float, seed: int = 0) -> "tuple[Source, Source]":
        """Split the samples at random into two sources, class by class if there are labels.

        Args:
            fraction: Fraction of the samples in the first source, above 0 and below 1.
            seed: Seed of the draw, a non-negative integer. Default: 0.

        Returns:
            `(first, rest)`, with `round(fraction * n)` samples in the first. With labels, the first has
            `round(fraction * count)` samples of each class, and both have at least one if the class has two or more.

        Raises:
            UserError: If one of the two would be empty.
        """
        if not 0 < round(fraction * len(self)) < len(self):
            raise UserError(
                f"a fraction that splits {len(self)} samples in two", f"{fraction}", "choose one between 0 and 1"
            )
        order = np.random.default_rng(seed).permutation(len(self))
        classes = [order] if self.labels is None else [order[self.labels[order] == k] for k in np.unique(self.labels)]
        first = np.concatenate([members[: _share(len(members), fraction)] for members in classes])
        is_first = np.isin(order, first)
        return self[order[is_first]], self[order[~is_first]]


def _share(count, fraction):
    """Return how many samples of a class go into the first part."""
    return min(max(round(fraction * count), 1), count - 1) if count > 1 else round(fraction * count)


def from_arrays(
    images: Any,
    labels: Any = None,
    classes: int | None = None,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    columns: dict[str, Any] | None = None,
) -> Source:
    """Make a `Source` from arrays.

    Args:
        images: Array of shape `(n, height, width, channels)`: uint8 in 0..255, or floats in 0..1.
        labels: Integers of shape `(n,)` with class numbers from 0, or None.
        classes: Number of classes. Default: the highest label plus one.
        class_names: One name for each class number, or None.
        name: Name of the set in messages. Default: `"arrays"`.
        columns: Other known values of the samples, a dict from names to arrays of shape `(n,)`, or None.

    Returns:
        A `Source`. The images are not copied.

    Raises:
        UserError: If rank, dtype, labels or columns do not fit.
    """
    images = as_array(images)
    if labels is not None:
        labels = np.asarray(labels)
        check_labels(labels, len(images), classes)
        classes = int(labels.max()) + 1 if classes is None and len(labels) else classes
    columns = None if columns is None else {key: np.asarray(column) for key, column in columns.items()}
    return Source(images, labels, classes, None if class_names is None else tuple(class_names), name, columns)


def check_labeled(*sources: Source) -> None:
    """Raise unless all sources have labels.

    Args:
        *sources: `Source`s.

    Raises:
        UserError: If one has none; the error names the first of them.
    """
    for source in sources:
        if source.labels is None:
            raise UserError(
                "a labeled source",
                f"'{source.name}' without labels",
                "give a data set with labels, or a folder with one folder for each class",
            )
