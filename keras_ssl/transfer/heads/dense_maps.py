"""What heads for every place of an image begin with."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_ssl.encoders import features
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights
from keras_ssl.specs import check_kind, inputs_like, warn_of_rescaling
from keras_ssl.typing import Tensor

__all__ = ["dense_maps"]


def dense_maps(encoder: keras.Model, names: Sequence[str] | None, what: str) -> tuple[Any, list[Tensor]]:
    """Return new inputs like those of an encoder of images, and its feature maps, from a model nested under its name.

    Args:
        encoder: See `encoders.features`.
        names: See `encoders.features`.
        what: What needs the maps, for errors, such as "a segmenter".

    Returns:
        The symbolic input, and symbolic maps `(n, height, width, channels)`, the finest first.

    Raises:
        UserError: If the encoder is not of images of a fixed size, has no such maps, or its weights are not finite.
    """
    check_kind(encoder, "image", what)
    check_finite_weights(encoder)
    warn_of_rescaling(encoder)
    shape = encoder.inputs[0].shape[1:]
    if None in shape:
        raise UserError(
            f"an encoder of images of a fixed size for {what}",
            f"'{encoder.name}', which takes {shape}",
            "give `transfer.adapt_input(encoder, (height, width, channels))`",
        )
    maps_of = features(encoder, names)
    inputs = inputs_like(encoder)
    maps = maps_of(inputs).values()
    return inputs, sorted(maps, key=lambda one: -one.shape[1] * one.shape[2])
