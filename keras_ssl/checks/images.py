"""Checks of images, and of images with their labels."""

from keras_ssl.checks.arrays import as_array, check_shape, check_values
from keras_ssl.checks.labels import check_labels

__all__ = ["check_dataset", "check_images"]


def check_images(images, value_range=(0.0, 1.0), channels=None, at_least=2, name="images", dtype="float32"):
    """Raise unless `images` is a batch of shape `(n, height, width, channels)` of the values that are declared.

    Args:
        images: NumPy array. Refused are: other than 4 dimensions, fewer than `at_least` samples, another dtype than
            declared, and, where floats are declared, NaN, Inf and values outside `value_range` (by more than 1e-3 of
            its width).
        value_range: Lowest and highest value that is declared for floats. Default `(0, 1)`.
        channels: Number of channels that is expected, or None for any.
        at_least: Smallest number of samples. Default 2: nothing can be learned from one.
        name: What the error calls the images.
        dtype: What is declared: `"float32"`, meaning floats of any width, or `"uint8"` in 0..255. Default `"float32"`.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    images = as_array(images, name)
    check_shape(images, channels, at_least, name)
    check_values(images, value_range, name, dtype)


def check_dataset(
    images, labels=None, classes=None, value_range=(0.0, 1.0), channels=None, at_least=2, dtype="float32"
):
    """Raise unless images (and labels, where there are any) can be trained on. See `check_images` and `check_labels`.

    Args:
        images: Array of shape `(n, height, width, channels)`.
        labels: Array of shape `(n,)`, or None.
        classes: Number of classes, or None.
        value_range: Lowest and highest pixel value.
        channels: Number of channels, or None for any.
        at_least: Smallest number of samples.
        dtype: What is declared for the images, `"float32"` or `"uint8"`.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    check_images(images, value_range, channels, at_least, dtype=dtype)
    if labels is not None:
        check_labels(labels, len(images), classes)
