"""Heads that compute the parameters of a latent distribution."""

import keras
from keras import layers

from keras_ssl.checks import check_counts

__all__ = ["gaussian"]


def gaussian(encoder: keras.Model, features: int, name: str = "gaussian") -> keras.Model:
    """Two linear layers, for the mean and the log variance of a diagonal Gaussian.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is the input.
        features: Dimension of the Gaussian.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to a pair of tensors `(n, features)`, float32.

    Reference:
        Kingma & Welling 2014, "Auto-Encoding Variational Bayes", appendix C.2.
    """
    check_counts(features=features)
    inputs = keras.Input((encoder.output_shape[-1],), name="representation")
    mean = layers.Dense(features, dtype="float32", name="mean")(inputs)
    log_variance = layers.Dense(features, dtype="float32", name="log_variance")(inputs)
    return keras.Model(inputs, [mean, log_variance], name=name)
