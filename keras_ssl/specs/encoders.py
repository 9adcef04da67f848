"""Checks of an encoder, wherever one is given."""

import warnings
import weakref
from typing import Any

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import is_graph, rescales_bytes
from keras_ssl.specs.models import specs_of
from keras_ssl.typing import Shape

__all__ = ["RescalingWarning", "check_encoder", "check_vectors", "warn_of_rescaling"]

_WARNED: weakref.WeakSet[keras.Model] = weakref.WeakSet()


class RescalingWarning(UserWarning):
    """The warning about an encoder whose first layers rescale bytes."""


def check_encoder(encoder: Any) -> None:
    """Raise `UserError` unless `encoder` is a built `keras.Model` of known inputs with one output `(n, d)`.

    It also warns as `warn_of_rescaling` does.

    Args:
        encoder: Any object.

    Raises:
        UserError: If it is something else.
    """
    if not isinstance(encoder, keras.Model) or not encoder.built:
        raise UserError(
            "a built keras.Model as encoder",
            f"{type(encoder).__name__}" + (", not built" if isinstance(encoder, keras.Model) else ""),
            "make one with `keras_ssl.encoders`, or call yours once on a batch",
        )
    specs_of(encoder)  # raises if its inputs are not known
    if not isinstance(encoder.output_shape, tuple):
        raise UserError(
            "an encoder whose only output is one vector (n, d) for each sample",
            f"'{encoder.name}' with {len(encoder.outputs)} in a {type(encoder.output_shape).__name__}",
            "choose one: `keras.Model(encoder.inputs, encoder.outputs[0])`",
        )
    check_vectors(encoder.output_shape, encoder.name)
    warn_of_rescaling(encoder)


def check_vectors(shape: Shape, name: str) -> None:
    """Raise `UserError` unless the output of an encoder is one vector for each sample.

    Args:
        shape: Shape of its output.
        name: Name of the encoder.

    Raises:
        UserError: If the shape is not `(n, d)` with a known d.
    """
    if len(shape) == 2 and shape[-1] is not None:
        return
    pooling = {3: "GlobalAveragePooling1D", 4: "GlobalAveragePooling2D", 5: "GlobalAveragePooling3D"}
    raise UserError(
        "an encoder that returns one vector (n, d) for each sample",
        f"output shape {shape} of '{name}'",
        f"add pooling: `keras.Model(encoder.input, keras.layers.{pooling[len(shape)]}()(encoder.output))`"
        if len(shape) in pooling
        else "build it for a fixed size, or with pooling that does not depend on it",
    )


def warn_of_rescaling(model: Any) -> None:
    """Warn, once for each model, if its first layers rescale bytes: it would see a 255th of the range it was made for.

    Args:
        model: Any object; only a functional or built sequential `keras.Model` is looked at, and of its inputs those of
            images and videos.
    """
    if not is_graph(model) or model in _WARNED:
        return
    images = [x for x in model.inputs if len(x.shape) in (4, 5)]
    if not any(rescales_bytes(model, x) for x in images):
        return
    _WARNED.add(model)
    warnings.warn(
        f"'{model.name}' rescales values in 0..255 itself, but here images are floats in 0..1: all of them look almost "
        "black to it. Build it without that (`include_preprocessing=False`), or multiply first: `inputs = "
        "keras.Input(shape, name='image')`, `keras.Model(inputs, encoder(keras.ops.multiply(inputs, 255.0)))`.",
        RescalingWarning,
        stacklevel=3,
    )
