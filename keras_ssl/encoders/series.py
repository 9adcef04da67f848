"""Encoders of time series."""

import keras
from keras import layers, ops

from keras_ssl.blocks import gelu
from keras_ssl.checks import check_counts
from keras_ssl.encoders.pooled import pooling

__all__ = ["dilated_conv"]


def dilated_conv(
    channels: int, width: int = 64, depth: int = 10, causal: bool = False, name: str = "dilated_conv"
) -> keras.Model:
    """TS2Vec's dilated convolutions over time, in three named layers: `tokens`, `trunk` and `pool`.

    `tokens` projects each time step, linearly; it also gives keep, which is False where a value is NaN. `trunk` is a
    nested model of residual blocks of two convolutions over 3 time steps; those of block l, from 0, are 2^l apart.
    `pool` takes the largest value over time. `networks.parts` finds the three.

    A time step with a NaN is padding (which checks of data do not let pass: give it to the model itself). At the ends
    of a series it changes nothing; a series of padding only becomes a vector of zeros.

    It is made of Keras layers and operations only, so that its file loads without keras_ssl.

    Args:
        channels: Number of values at each time step.
        width: Width of the frames and of the representation. Default: 64, the paper's hidden width.
        depth: Number of blocks. Default: 10, the paper's: a frame then depends on 4093 time steps.
        causal: Whether a frame depends on no later time step, as `Forecasting` and `ContrastivePredictiveCoding` need.
            Default: False.
        name: Name of the model.

    Returns:
        `keras.Model` from `series` `(n, time, channels)`, of any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is below 1.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", section "Model
        Architecture" and Fig. 2.

    Departures:
        The authors' code has one more block, to a representation of width 320, and dropout of 0.1 after it; here the
        width is the same throughout. The convolutions read 0 at every padded step of each layer, and not only of the
        first, so that a padded series has the frames of the series itself.
    """
    check_counts(channels=channels, width=width, depth=depth)
    tokens, trunk, pool = _tokens(channels, width), _trunk(width, depth, causal), pooling(width, "max")
    series = keras.Input((None, channels), name="series")
    x, keep = tokens(series)
    return keras.Model(series, pool([trunk([x, keep]), keep]), name=name)


def _tokens(channels, width):
    series = keras.Input((None, channels), name="series")
    missing = ops.isnan(series)
    keep = ops.logical_not(ops.any(missing, axis=-1))
    filled = ops.where(missing, 0.0, series)  # of one shape: tf2onnx turns a broadcast `where` into products, NaN * 0
    x = layers.Dense(width, name="projection")(filled)
    return keras.Model(series, [x, keep], name="tokens")


def _trunk(width, depth, causal):
    padding = "causal" if causal else "same"
    x = inputs = keras.Input((None, width), name="tokens")
    keep = keras.Input((None,), dtype="bool", name="keep")
    for block in range(depth):
        y = x
        for k in (1, 2):
            y = ops.where(keep[:, :, None], gelu(y), 0.0)
            y = layers.Conv1D(width, 3, padding=padding, dilation_rate=2**block, name=f"block_{block + 1}_conv_{k}")(y)
        x = layers.Add(name=f"block_{block + 1}_add")([x, y])
    return keras.Model([inputs, keep], x, name="trunk")
