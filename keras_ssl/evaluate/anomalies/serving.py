"""A detector as a network, for `export.deploy`."""

from collections.abc import Mapping

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.networks import embedder
from keras_ssl.specs import inputs_like

__all__ = ["scoring_model"]


def scoring_model(
    encoder: keras.Model | None, distance: keras.layers.Layer, weights: Mapping[str, np.ndarray]
) -> keras.Model:
    """Return a functional model from a sample to `{"score": (n,)}`.

    Args:
        encoder: Functional `keras.Model`, or objective. It is not copied.
        distance: Layer from representations `(n, d)` to scores `(n,)`.
        weights: Values of its weights, by the names of its attributes.

    Raises:
        UserError: If there is no encoder.
    """
    encoder = embedder(encoder)
    if encoder is None:
        raise UserError("a detector with an encoder", "one of raw inputs", "give an encoder, such as `encoders.mlp`")
    inputs = inputs_like(encoder)
    score = distance(encoder(inputs))
    for name, value in weights.items():
        getattr(distance, name).assign(value)
    return keras.Model(inputs, {"score": score}, name="anomaly_score")
