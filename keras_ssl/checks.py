"""Checks of images and labels, before anything is trained on them."""

import numpy as np

from keras_ssl.errors import UserError

__all__ = [
    "as_array",
    "check_between",
    "check_dataset",
    "check_dtype",
    "check_fits",
    "check_images",
    "check_labels",
    "check_method",
    "check_shape",
    "check_values",
]


def as_array(images, name="images"):
    """Return `images` as one NumPy array.

    Args:
        images: Array, tensor, or list of arrays of one shape.
        name: What the error calls the images.

    Raises:
        UserError: When the shapes in a list differ.
    """
    try:
        return np.asarray(images)
    except ValueError as error:
        raise UserError(f"{name} of one shape", f"a {type(images).__name__} of several", "resize them") from error


def check_shape(images, channels=None, at_least=2, name="images"):
    """Raise unless `images` has the shape `(n, height, width, channels)` with enough samples. See `check_images`.

    Args:
        images: NumPy array.
        channels: Number of channels that is expected, or None for any.
        at_least: Smallest number of samples. Default 2: nothing can be learned from one.
        name: What the error calls the images.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    if images.ndim != 4:
        raise UserError(
            f"{name} of shape (n, height, width, channels)",
            f"shape {images.shape}",
            "add the missing axis; grayscale images have one channel: `images[..., None]`, one image is `image[None]`",
        )
    if len(images) < at_least:
        raise UserError(f"at least {at_least} {name}", f"{len(images)}", "check the path or the split of the data")
    if 0 in images.shape[1:]:
        raise UserError(f"{name} with pixels and channels", f"shape {images.shape}", "check how they were resized")
    if channels not in (None, images.shape[-1]):
        raise UserError(
            f"{name} with {channels} channel(s)",
            f"shape {images.shape}, which has {images.shape[-1]}",
            "convert the images, or build the encoder for their shape",
        )


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


def check_values(images, value_range=(0.0, 1.0), name="images", dtype="float32"):
    """Raise unless `images`, an array of any shape, holds the values that are declared. See `check_images`.

    Args:
        images: NumPy array whose first axis counts samples.
        value_range: Lowest and highest value that is declared for floats. Default `(0, 1)`.
        name: What the error calls the images.
        dtype: What is declared: `"float32"`, meaning floats of any width, or `"uint8"` in 0..255. Default `"float32"`.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    low, high = value_range
    check_dtype(images, dtype, name, f"floats in {low:g}..{high:g}")
    if dtype == "uint8" or not images.size:
        return
    lowest, highest = float(images.min()), float(images.max())  # one pass each; NaN and Inf come through
    if not np.isfinite([lowest, highest]).all():
        bad = np.flatnonzero([not np.isfinite(image).all() for image in images])
        raise UserError(
            f"finite {name}",
            f"NaN or Inf in {len(bad)} of {len(images)}, the first at index {bad[0]}",
            "remove or repair these samples",
        )
    slack = 1e-3 * (high - low)
    if lowest < low - slack or highest > high + slack:
        bytes_like = lowest >= 0 and 2 < highest <= 255
        raise UserError(
            f"{name} with values in {low:g}..{high:g}",
            f"values in {lowest:g}..{highest:g}",
            "rescale the images" + (": they look like 0..255, so divide by 255" if bytes_like else ""),
        )


def check_dtype(images, dtype="float32", name="images", floats="floats in 0..1"):
    """Raise unless the dtype of `images` is the one that is declared.

    Args:
        images: NumPy array.
        dtype: `"float32"`, meaning floats of any width, or `"uint8"`. Default `"float32"`.
        name: What the error calls the images.
        floats: What the error calls the floats.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    if dtype == "uint8" and images.dtype != np.uint8:
        raise UserError(
            f"{name} as uint8 in 0..255",
            f"dtype {images.dtype}",
            "convert them: `(images * 255).round().astype('uint8')` for floats in 0..1; or declare floats",
        )
    if dtype != "uint8" and not np.issubdtype(images.dtype, np.floating):
        raise UserError(
            f"{name} as {floats}",
            f"dtype {images.dtype}",
            "divide by their highest possible value: `images.astype('float32') / 255` for 8 bits; "
            "`data.batches` and `data.few` convert uint8 themselves",
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
        raise UserError(f"one label for each of {samples} images", f"{len(labels)}", "check where both come from")
    top = np.inf if classes is None else classes - 1
    outside = np.flatnonzero((labels < 0) | (labels > top))
    if len(outside):
        raise UserError(
            f"{name} in 0..{'' if classes is None else classes - 1}",
            f"{labels[outside[0]]} at index {outside[0]} ({len(outside)} outside in all)",
            "number the classes from 0, or give the right number of classes",
        )


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


def check_fits(images, model):
    """Raise unless images have the shape that a model takes.

    Args:
        images: Array `(n, height, width, channels)`.
        model: Built `keras.Model` with one input.

    Raises:
        UserError: With what was expected, what came and what to do.
    """
    shape = model.input_shape
    if len(shape) != images.ndim or any(a not in (None, b) for a, b in zip(shape[1:], images.shape[1:])):
        do = "load them with `size=` and the channels that the model was built for, or use the model that fits"
        single = images.ndim == len(shape) - 1
        raise UserError(
            f"images of shape {shape} for '{model.name}'",
            f"shape {images.shape}",
            "give several, or one as `image[None]`" if single else do,
        )


def check_method(model, name):
    """Raise unless a model has a method.

    Args:
        model: Any object.
        name: Of the method, such as "reconstruct".

    Raises:
        UserError: If it has none.
    """
    if not callable(getattr(model, name, None)):
        raise UserError(f"a model with a method `{name}`", type(model).__name__, "give an objective that has one")


def check_between(name, value, least=None, most=None, above=None, below=None, whole=False):
    """Raise unless a hyperparameter is in its range. What is no number, such as a schedule, is not looked at.

    Args:
        name: Of the argument.
        value: What was given.
        least: Smallest value that is allowed, or None.
        most: Largest value that is allowed, or None.
        above: What it must be larger than, or None.
        below: What it must be smaller than, or None.
        whole: Whether it must be a whole number.

    Raises:
        UserError: With the range.
    """
    if not isinstance(value, int | float | np.number):
        return
    fits = (least is None or value >= least) and (most is None or value <= most)
    fits = fits and (above is None or value > above) and (below is None or value < below)
    fits = fits and (not whole or isinstance(value, int | np.integer))
    if not fits or np.isnan(value):
        bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        bounds += [f"above {above}"] * (above is not None) + [f"below {below}"] * (below is not None)
        kind = " as a whole number" if whole else ""
        raise UserError(f"{name}{kind} {' and '.join(bounds)}", f"{value}", f"give another `{name}`")
