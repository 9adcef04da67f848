"""Checks of images and labels, before anything is trained on them."""

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["check_images", "check_values", "check_labels", "check_dataset"]


def check_images(images, value_range=(0.0, 1.0), channels=None, at_least=2, name="images"):
    """Raise unless `images` is a finite float batch of shape `(n, height, width, channels)` inside its value range.

    Args:
        images: NumPy array. Anything with other than 4 dimensions, another dtype than a float, fewer than `at_least`
            samples, NaN, Inf or values outside `value_range` (by more than 1e-3 of its width) is refused.
        value_range: Lowest and highest value that is declared. Default `(0, 1)`.
        channels: Number of channels that is expected, or None for any.
        at_least: Smallest number of samples. Default 2: nothing can be learned from one.
        name: What the error calls the images.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    images = np.asarray(images)
    if images.ndim != 4:
        raise UserError(
            f"{name} of shape (n, height, width, channels)",
            f"shape {images.shape}",
            "add the missing axis; grayscale images have one channel: `images[..., None]`",
        )
    if len(images) < at_least:
        raise UserError(f"at least {at_least} {name}", f"{len(images)}", "check the path or the split that they come from")
    if channels is not None and images.shape[-1] != channels:
        raise UserError(
            f"{name} with {channels} channel(s)",
            f"shape {images.shape}, which has {images.shape[-1]}",
            "convert the images, or build the encoder for their shape",
        )
    check_values(images, value_range, name)


def check_values(images, value_range=(0.0, 1.0), name="images"):
    """Raise unless `images`, an array of any shape, holds finite floats inside `value_range`. See `check_images`.

    Args:
        images: NumPy array whose first axis counts samples.
        value_range: Lowest and highest value that is declared. Default `(0, 1)`.
        name: What the error calls the images.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    low, high = value_range
    if not np.issubdtype(images.dtype, np.floating):
        raise UserError(
            f"{name} as floats in {low:g}..{high:g}",
            f"dtype {images.dtype}",
            "pass them through `data.load` or `data.batches`, which convert, or divide: `images.astype('float32') / 255`",
        )
    finite = np.isfinite(images.reshape(len(images), -1)).all(axis=1)
    if not finite.all():
        bad = np.flatnonzero(~finite)
        raise UserError(
            f"finite {name}",
            f"NaN or Inf in {len(bad)} of {len(images)}, the first at index {bad[0]}",
            "remove or repair these samples",
        )
    lowest, highest, slack = float(images.min()), float(images.max()), 1e-3 * (high - low)
    if lowest < low - slack or highest > high + slack:
        raise UserError(
            f"{name} with values in {low:g}..{high:g}",
            f"values in {lowest:g}..{highest:g}",
            "rescale the images" + (": they look like 0..255, so divide by 255" if 2 < highest <= 255 and lowest >= 0 else ""),
        )


def check_labels(labels, samples=None, classes=None, name="labels"):
    """Raise unless `labels` is a vector of class numbers in `0..classes - 1`.

    Args:
        labels: NumPy array of shape `(n,)` of integers.
        samples: Number of samples that they must fit, or None.
        classes: Number of classes, or None when it is not known.
        name: What the error calls the labels.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{name} as integers of shape (n,)",
            f"dtype {labels.dtype}, shape {labels.shape}",
            "give class numbers; `labels.argmax(-1)` makes them from one-hot rows",
        )
    if samples is not None and len(labels) != samples:
        raise UserError(f"one label for each of {samples} images", f"{len(labels)}", "check where images and labels come from")
    top = np.inf if classes is None else classes - 1
    outside = np.flatnonzero((labels < 0) | (labels > top))
    if len(outside):
        raise UserError(
            f"{name} in 0..{'' if classes is None else classes - 1}",
            f"{labels[outside[0]]} at index {outside[0]} ({len(outside)} outside in all)",
            "number the classes from 0, or give the right number of classes",
        )


def check_dataset(images, labels=None, classes=None, value_range=(0.0, 1.0), channels=None, at_least=2):
    """Raise unless images (and labels, where there are any) can be trained on. See `check_images` and `check_labels`.

    Args:
        images: Array of shape `(n, height, width, channels)`.
        labels: Array of shape `(n,)`, or None.
        classes: Number of classes, or None.
        value_range: Lowest and highest pixel value.
        channels: Number of channels, or None for any.
        at_least: Smallest number of samples.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    check_images(images, value_range, channels, at_least)
    if labels is not None:
        check_labels(labels, len(images), classes)
