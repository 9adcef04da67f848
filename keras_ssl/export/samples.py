"""The images on which an artifact is verified."""

import numpy as np

from keras_ssl.checks import check_images
from keras_ssl.errors import UserError
from keras_ssl.export.signatures import INPUT_DTYPES
from keras_ssl.typing import Shape

__all__ = ["COUNT", "verification_images"]

COUNT = 32
"""Number of images that are compared: the largest batch."""


def verification_images(samples: np.ndarray | None, shape: Shape, input_dtype: str) -> np.ndarray:
    """Return `COUNT` images of `input_dtype`: the first samples, repeated if there are fewer, or random ones.

    Args:
        samples: Array `(n, height, width, channels)` that fits `shape` and `input_dtype`, or None for uniform random
            images with seed 0.
        shape: Shape of the input, `(None, height, width, channels)`. In random images, a size of None becomes 64.
        input_dtype: "float32" or "uint8".

    Returns:
        Array `(32, height, width, channels)`.

    Raises:
        UserError: If the samples do not fit.
    """
    if samples is None:
        sizes = (COUNT, *(size or 64 for size in shape[1:]))
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, sizes, "uint8") if input_dtype == "uint8" else rng.random(sizes, "float32")
    samples = np.asarray(samples)
    _check_dtype(samples, input_dtype)
    check_images(samples / np.float32(INPUT_DTYPES[input_dtype][1]), channels=shape[-1], at_least=1, name="samples")
    if any(want not in (None, size) for want, size in zip(shape[1:], samples.shape[1:])):
        raise UserError(f"samples of shape {shape}", f"shape {samples.shape}", "resize them to what the model takes")
    return np.resize(samples, (COUNT, *samples.shape[1:])).astype(input_dtype)


def _check_dtype(samples, input_dtype):
    if input_dtype == "uint8" and samples.dtype != np.uint8:
        raise UserError(
            'samples of dtype uint8 (0..255) for input_dtype="uint8"',
            f"dtype {samples.dtype}",
            'give `np.round(255 * samples).astype("uint8")` if they are in 0..1, or export with input_dtype="float32"',
        )
    if input_dtype == "float32" and not np.issubdtype(samples.dtype, np.floating):
        raise UserError(
            'samples as floats in 0..1 for input_dtype="float32"',
            f"dtype {samples.dtype}",
            'give `samples.astype("float32") / 255` if they are in 0..255, or export with input_dtype="uint8"',
        )
