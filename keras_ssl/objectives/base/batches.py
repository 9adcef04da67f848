"""What an objective accepts: as its encoder, and as a batch."""

import keras
import numpy as np

from keras_ssl.distribute import replicas
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import assertions

__all__ = ["arrays_in", "as_batch", "batch_of_one", "check_encoder", "check_token_encoder"]


def check_encoder(encoder):
    """Raise `UserError` unless `encoder` is a built `keras.Model` with one input and output `(n, d)`."""
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


def check_token_encoder(encoder):
    """Raise `UserError` unless `encoder` has the layers `tokens`, `trunk` (of any length) and `pool`."""
    parts = {layer.name: layer for layer in encoder.layers}
    missing = [name for name in ("tokens", "trunk", "pool") if name not in parts]
    if missing or parts["trunk"].input_shape[1] is not None:
        raise UserError(
            "an encoder of three layers, `tokens`, `trunk`, which takes any number of tokens, and `pool`",
            f"'{encoder.name}', "
            + (f"which has no {', '.join(missing)}" if missing else f"whose trunk takes {parts['trunk'].input_shape}"),
            "use `encoders.vit`",
        )


def as_batch(objective, data):
    """Return the batch as a dict of tensors with the objective's `batch_keys` (and those `optional_keys` that came).

    A single key accepts a bare tensor; `(x, y)` drops y.

    Raises:
        UserError: If keys are missing, or a tensor has another shape or dtype than the objective needs.
    """
    keys = objective.batch_keys
    if isinstance(data, (tuple, list)) and len(data) > 3:  # Keras would read no more as x, y and sample weights
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
            f"as many samples of each of {keys} for {type(objective).__name__}",
            ", ".join(f"{size} of '{key}'" for key, size in sizes.items()),
            "make the views of one batch of images",
        )
    return {key: x[key] for key in (*keys, *objective.optional_keys) if key in x}


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
        raise UserError(
            f"'{key}' of shape {shape} for {name}",
            f"shape {tuple(x.shape)}",
            f"build the encoder for the data's shape, and make batches with `{objective.batches_call}`",
        )
    if "float" not in keras.backend.standardize_dtype(x.dtype):
        raise UserError(
            f"'{key}' as floats",
            f"dtype {x.dtype}",
            "use `data.batches`, which converts; or cast to float32 (images to 0..1: divide uint8 by 255)",
        )
    if not objective.compares_samples or replicas() > 1:
        return
    if x.shape[0] == 1:
        raise batch_of_one(objective)
    if x.shape[0] is None:  # a tf.data set that does not drop its remainder
        assertions.assert_several(x, str(batch_of_one(objective)))


def batch_of_one(objective):
    """Return the error for a batch with a single sample."""
    return UserError(
        f"at least 2 samples in each batch, since {type(objective).__name__} compares them",
        "a batch of 1",
        "raise `batch_size`, and drop the remainder",
    )


def arrays_in(x, keys):
    """Return the arrays and tensors among the `keys` of `x`, the argument of `fit`, as a dict; none for a data set."""
    parts = x if isinstance(x, dict) else {keys[0]: x}
    return {key: np.asarray(parts[key]) for key in keys if hasattr(parts.get(key), "__array__")}
