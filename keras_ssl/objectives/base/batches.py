"""Checks of the encoder and the batches that an objective is given."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.distribute import replicas
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import assertions
from keras_ssl.typing import Batch

__all__ = ["arrays_in", "as_batch", "batch_of_one", "check_encoder"]


def check_encoder(encoder: Any) -> None:
    """Raise `UserError` unless `encoder` is a built `keras.Model` with one output `(n, d)`."""
    if not isinstance(encoder, keras.Model) or not encoder.built:
        raise UserError(
            "a built keras.Model as encoder",
            f"{type(encoder).__name__}" + (", not built" if isinstance(encoder, keras.Model) else ""),
            "make one with `keras_ssl.encoders`, or call yours once on a batch",
        )
    shape = getattr(encoder, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[-1] is None:
        raise UserError(
            "an encoder that returns one vector (n, d) for each sample",
            f"output shape {shape}",
            "add pooling: `keras.Model(encoder.input, keras.layers.GlobalAveragePooling2D()(encoder.output))`",
        )


def as_batch(objective: Any, data: Any) -> Batch:
    """Check a batch and return it as a dict with the objective's `batch_keys` and the `optional_keys` that it has.

    With a single key, a bare tensor is accepted. In `(x, y)` and `(x, y, sample_weight)` only x is used.

    Args:
        objective: An `Objective`.
        data: A batch as Keras passes it.

    Raises:
        UserError: If keys are missing, or a tensor does not have the shape or dtype that the objective needs.
    """
    name, keys = type(objective).__name__, objective.batch_keys
    if isinstance(data, (tuple, list)) and len(data) > 3:  # Keras reads at most x, y and sample weights
        raise _wrong_keys(objective, f"a {type(data).__name__} of {len(data)} tensors")
    x = keras.utils.unpack_x_y_sample_weight(data)[0]
    if not isinstance(x, dict):
        if len(keys) > 1 or isinstance(x, (tuple, list)):
            raise _wrong_keys(
                objective,
                f"a {type(data).__name__} of {len(data)} tensors"
                if isinstance(data, (tuple, list))
                else f"one tensor of shape {tuple(x.shape)}",
            )
        x = {keys[0]: x}
    if missing := [key for key in keys if key not in x]:
        raise _wrong_keys(objective, f"a dict with the keys {tuple(x)}; {', '.join(missing)} missing")
    for key, shape in objective.batch_shapes.items():
        _check_tensor(objective, key, x[key], shape)
    sizes = {key: x[key].shape[0] for key in keys}
    if len({size for size in sizes.values() if size is not None}) > 1:
        raise UserError(
            f"as many samples of each of {keys} for {name}",
            ", ".join(f"{size} of '{key}'" for key, size in sizes.items()),
            f"make batches with `{objective.batches_call}`",
        )
    _check_several(objective, x[keys[0]])
    # `train_on_batch` passes NumPy arrays as they are
    return {key: ops.convert_to_tensor(x[key]) for key in (*keys, *objective.optional_keys) if key in x}


def _wrong_keys(objective, received):
    return UserError(
        f"batches for {type(objective).__name__} as a dict with the keys {objective.batch_keys}",
        received,
        f"make them with `{objective.batches_call}`",
    )


def _check_tensor(objective, key, x, shape):
    name = type(objective).__name__
    fits = len(x.shape) == len(shape) and all(a is None or b is None or a == b for a, b in zip(x.shape[1:], shape[1:]))
    if not fits:
        image = shape == objective.encoder.input_shape
        build = "the encoder for the data's shape" if image else f"{name} for these '{key}'"
        raise UserError(
            f"'{key}' of shape {shape} for {name}",
            f"shape {tuple(x.shape)}",
            f"build {build}, and make batches with `{objective.batches_call}`",
        )
    if "float" not in keras.backend.standardize_dtype(x.dtype):
        raise UserError(
            f"'{key}' as floats",
            f"dtype {x.dtype}",
            "use `data.batches`, which converts; or cast to float32 (images to 0..1: divide uint8 by 255)",
        )


def _check_several(objective, x):
    """Raise if a batch that is compared with itself has one sample. Replicas compare the global batch."""
    if not objective.compares_samples or replicas() > 1:
        return
    if x.shape[0] == 1:
        raise batch_of_one(objective)
    if x.shape[0] is None:  # a tf.data set that does not drop its remainder
        assertions.assert_several(x, str(batch_of_one(objective)))


def batch_of_one(objective: Any) -> UserError:
    """Return the error for a batch with a single sample."""
    return UserError(
        f"at least 2 samples in each batch, since {type(objective).__name__} compares them",
        "a batch of 1",
        "raise `batch_size`, and drop the remainder",
    )


def arrays_in(x: Any, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the arrays and tensors in `x`, the argument of `fit`, by key; an empty dict for a data set.

    Args:
        x: Dict of arrays, one array, which belongs to the first key, or a data set.
        keys: The keys to look for.
    """
    parts = x if isinstance(x, dict) else {keys[0]: x}
    return {key: np.asarray(parts[key]) for key in keys if hasattr(parts.get(key), "__array__")}
