"""Checks of arrays: their shape, dtype and values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.checks.not_arrays import described, instead_of_array
from keras_ssl.errors import UserError

__all__ = [
    "as_array",
    "as_arrays",
    "check_axes",
    "check_dtype",
    "check_same_shape",
    "check_shape",
    "check_values",
    "without_missing",
]


def as_array(images: Any, name: str = "images", strings: bool = False) -> np.ndarray:
    """Return `images` as one NumPy array.

    Args:
        images: Array, tensor, or list of arrays of one shape.
        name: Name of the images in the error.
        strings: Whether strings are an array, too. Default: False.

    Raises:
        UserError: If the shapes in a list differ, or it is something else, such as a data set, a folder or a list of
            paths; the error says how to make an array of it.
    """
    do = instead_of_array(images, strings)
    if do is not None:
        raise UserError(f"{name} as an array", described(images), do)
    try:
        array = np.asarray(images)
    except ValueError as error:
        raise UserError(
            f"{name} of one shape",
            f"a {type(images).__name__} of several",
            "resize them; pad rows of ids and series to one length, ids with 0",
        ) from error
    if not array.ndim or array.dtype.kind in ("mM" if strings else "USOmM"):
        raise UserError(f"{name} as an array of numbers", described(images), "convert them to numbers")
    return array


def as_arrays(samples: Any, name: str = "images") -> Any:
    """Return samples as NumPy arrays: one, or a dict of them; see `as_array`.

    Args:
        samples: What `as_array` takes, or a dict of that.
        name: Name of the samples in the error, unless they are in a dict.
    """
    if isinstance(samples, dict):
        return {key: as_arrays(x, key) for key, x in samples.items()}
    return as_array(samples, name)


def check_axes(shape: Sequence[int | None], axes: Sequence[str], name: str = "images", otherwise: str = "") -> None:
    """Raise unless a batch has the axes of its samples, and one for the samples.

    Args:
        shape: Shape of the batch.
        axes: Names of the axes of a sample, such as `("height", "width", "channels")`.
        name: Name of the samples in the error.
        otherwise: What else may help, to complete the advice, such as "; or give …".

    Raises:
        UserError: If it does not.
    """
    if len(shape) != len(axes) + 1:
        raise UserError(
            f"{name} of shape (n, {', '.join(axes)})",
            f"shape {tuple(shape)}",
            "add the missing axis: grayscale images have one channel, `x[..., None]`, and one sample is `x[None]`"
            + otherwise,
        )


def check_same_shape(
    x: np.ndarray, y: np.ndarray, name: str = "images", do: str = "give one of y for each of x"
) -> None:
    """Raise unless two batches have the same shape.

    Args:
        x: Array.
        y: Array that is compared with it.
        name: Name of the samples in the error.
        do: Advice in the error. Default: "give one of y for each of x".

    Raises:
        UserError: If they do not.
    """
    if x.shape != y.shape:
        raise UserError(f"{name} of one shape", f"shapes {x.shape} and {y.shape}", do)


def check_shape(images: np.ndarray, channels: int | None = None, at_least: int = 2, name: str = "images") -> None:
    """Raise unless `images` has the shape `(n, height, width, channels)` with enough samples. See `check_images`.

    Args:
        images: NumPy array.
        channels: Expected number of channels, or None for any.
        at_least: Smallest number of samples. Default: 2, because nothing can be learned from one.
        name: Name of the images in the error.

    Raises:
        UserError: If they do not.
    """
    check_axes(images.shape, ("height", "width", "channels"), name)
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


def check_values(
    images: np.ndarray,
    value_range: Sequence[float] = (0.0, 1.0),
    name: str = "images",
    dtype: str = "float32",
    in_time: bool = False,
    do: str | None = None,
) -> None:
    """Raise unless `images`, an array of any shape, has the declared dtype and range. See `check_images`.

    Args:
        images: NumPy array whose first axis counts samples.
        value_range: Declared lowest and highest value of floats. Default: `(0, 1)`.
        name: Name of the images in the error.
        dtype: Declared dtype: `"float32"`, meaning floats of any width, or `"uint8"` in 0..255. Default: `"float32"`.
        in_time: Whether the second axis is time, so that the error names the first wrong step, too. Default: False.
        do: What to do about values that are not finite. Default: remove or repair these samples.

    Raises:
        UserError: If they do not.
    """
    low, high = value_range
    check_dtype(images, dtype, name, f"floats in {low:g}..{high:g}")
    if dtype == "uint8" or not images.size:
        return
    lowest, highest = float(images.min()), float(images.max())  # one pass each, and NaN and Inf carry through
    if not np.isfinite([lowest, highest]).all():
        bad = np.flatnonzero([not np.isfinite(image).all() for image in images])
        raise UserError(
            f"finite {name}",
            f"NaN or Inf in {len(bad)} of {len(images)}, the first at index {bad[0]}"
            + (f", step {_first_step(images[bad[0]])}" if in_time else ""),
            do or "remove or repair these samples",
        )
    slack = 1e-3 * (high - low)
    if lowest < low - slack or highest > high + slack:
        do = "rescale the images"
        if lowest >= 0 and 2 < highest <= 255:
            do += ": they look like 0..255, so divide by 255"
        elif lowest < low == 0 and highest < 20:
            do += "; normalize inside the model, with `keras.layers.Normalization(mean=…, variance=…)`"
        raise UserError(
            f"{name} with values in {low:g}..{high:g}",
            f"values in {lowest:g}..{highest:g}",
            do,
        )


def _first_step(sample):
    """The first step at which a sample is not finite."""
    return int(np.argmin(np.isfinite(sample).reshape(len(sample), -1).all(axis=1)))


def without_missing(samples: np.ndarray, name: str) -> np.ndarray:
    """Return samples with 0 for NaN, which stands for missing values.

    Args:
        samples: Float array `(n, …)`.
        name: Name of the samples in the error.

    Raises:
        UserError: If all values of a sample are missing, or one at every step of a series.
    """
    missing = np.isnan(samples)
    if not missing.any():
        return samples
    empty = np.flatnonzero(missing.reshape(len(samples), -1).all(axis=1))
    if len(empty):
        received = f"{len(empty)} of {len(samples)} without any, the first at index {empty[0]}"
        raise UserError(f"{name} of at least one known value", received, "leave these out")
    broken = np.flatnonzero(missing.any(axis=-1).all(axis=1)) if samples.ndim == 3 else empty
    if len(broken):
        raise UserError(
            f"{name} with at least one step of which all channels are known, since encoders see no others",
            f"{len(broken)} of {len(samples)} without any, the first at index {broken[0]}",
            "fill in what is missing, for example with the last known value of the channel, or leave out a channel",
        )
    return np.where(missing, 0, samples)


def check_dtype(
    images: np.ndarray, dtype: str = "float32", name: str = "images", floats: str = "floats in 0..1"
) -> None:
    """Raise unless `images` has the declared dtype.

    Args:
        images: NumPy array.
        dtype: `"float32"`, meaning floats of any width, or `"uint8"`. Default: `"float32"`.
        name: Name of the images in the error.
        floats: Description of the expected floats in the error.

    Raises:
        UserError: If they do not.
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
