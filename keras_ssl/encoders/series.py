"""Encoders of time series, in three named layers: `tokens`, `trunk` and `pool`. `networks.parts` finds the three.

`tokens` projects each time step, linearly; it also gives keep, which is False where a value is NaN: such a step is
missing, or padding. Around a series, padding changes nothing (of `patch_transformer`, padding at the end, and whole
patches of it before); a series of padding only becomes a vector of zeros.

They are made of Keras layers and operations only, so that their files load without keras_ssl.
"""

from collections.abc import Sequence
from typing import TypeAlias

import keras
import numpy as np
from keras import layers, ops

from keras_ssl.blocks import attention_bias, gelu, places, sequence_positions, transformer
from keras_ssl.checks import check_between, check_counts
from keras_ssl.encoders.pooled import pooling
from keras_ssl.errors import UserError

__all__ = ["dilated_conv", "patch_transformer", "recurrent"]

Statistics: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation of each channel."""

_FAR = 128
"""Dilation from which a convolution is a product of shifted series: TensorFlow cuts a dilated one into as many pieces
as the steps lie apart, and of 1024 most are padding."""

_CELLS = {"gru": layers.GRU, "lstm": layers.LSTM}


def dilated_conv(
    channels: int,
    width: int = 64,
    depth: int = 10,
    causal: bool = False,
    output_width: int | None = None,
    dropout: float = 0.0,
    statistics: Statistics | None = None,
    name: str = "dilated_conv",
) -> keras.Model:
    """TS2Vec's dilated convolutions over time.

    `tokens` is a linear layer on each time step. `trunk` is a nested model of residual blocks of two convolutions over
    3 time steps; those of block l, from 0, are 2^l apart. `pool` takes the largest value over time.

    Args:
        channels: Number of values at each time step.
        width: Width of the frames, and of the representation unless `output_width` is given. Default: 64, the paper's
            hidden width.
        depth: Number of blocks. Default: 10, the paper's: a frame then depends on 4093 time steps.
        causal: Whether a frame depends on no later time step, as predicting the next ones needs. Default: False.
        output_width: Width of the representation: that of one more block, whose shortcut is a linear layer. Default:
            None, there is no such block. The paper's is 320.
        dropout: Rate of dropout of the frames, in training. Default: 0. The paper's is 0.1.
        statistics: Mean and standard deviation of each channel, by which series are standardized first, such as
            `data.channel_statistics(train)`. Default: None, they are taken as they are.
        name: Name of the model.

    Returns:
        `keras.Model` from `series` `(n, time, channels)`, of any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", section "Model
        Architecture" and Fig. 2.

    Departures:
        The convolutions read 0 at every padded step of each layer, and not only of the first, so that a padded series
        has the frames of the series itself.
    """
    check_counts(channels=channels, width=width, depth=depth, output_width=1 if output_width is None else output_width)
    check_between("dropout", dropout, 0, below=1)
    trunk = _convolutions(width, depth, causal, output_width, dropout)
    return _encoder(_steps(channels, width, statistics), trunk, "max", name)


def recurrent(
    channels: int,
    width: int = 64,
    depth: int = 1,
    cell: str = "gru",
    pool: str = "mean",
    statistics: Statistics | None = None,
    name: str = "recurrent",
) -> keras.Model:
    """A recurrent network over time: a frame depends on its own and on earlier time steps only.

    `tokens` is a linear layer on each time step. `trunk` is a nested model of recurrent layers, whose state stays as it
    is at steps that are missing. `pool` averages the frames.

    Args:
        channels: Number of values at each time step.
        width: Width of the frames and of the representation. Default: 64.
        depth: Number of layers. Default: 1.
        cell: "gru" or "lstm". Default: "gru".
        pool: How the frames become one vector, see `with_pool`. "last" is what a forecast needs. Default: "mean".
        statistics: See `dilated_conv`.
        name: Name of the model.

    Returns:
        `keras.Model` from `series` `(n, time, channels)`, of any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
        Translation", Eqs. 5 to 8 (GRU); Hochreiter & Schmidhuber 1997, "Long Short-Term Memory".
    """
    check_counts(channels=channels, width=width, depth=depth)
    if cell not in _CELLS:
        raise UserError(f"a cell among {', '.join(_CELLS)}", repr(cell), "choose one of them")
    return _encoder(_steps(channels, width, statistics), _recurrence(width, depth, cell), pool, name)


def patch_transformer(
    channels: int,
    patch: int = 8,
    width: int = 64,
    depth: int = 3,
    heads: int = 4,
    causal: bool = False,
    dropout: float = 0.0,
    statistics: Statistics | None = None,
    name: str = "patch_transformer",
) -> keras.Model:
    """A transformer over patches of successive time steps.

    `tokens` projects each patch, linearly. A patch is kept if one of its steps is; missing values in it are 0, which is
    the mean where there are `statistics`. `trunk` is a nested model of transformer blocks. It adds positions, counted
    from the first patch that is kept, and its attention does not see padding. `pool` averages the frames.

    Args:
        channels: Number of values at each time step.
        patch: Number of time steps in a patch; the last one is filled up with padding. Default: 8.
        width: Width of the frames and of the representation, a multiple of 2 and of `heads`. Default: 64.
        depth: Number of blocks. Default: 3, the paper's.
        heads: Number of attention heads. Default: 4.
        causal: Whether a patch sees only itself and earlier patches. Default: False.
        dropout: Rate of dropout of what each half of a block adds. Default: 0.
        statistics: See `dilated_conv`.
        name: Name of the model.

    Returns:
        `keras.Model` from `series` `(n, time, channels)`, of any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Nie et al. 2023, "A Time Series is Worth 64 Words: Long-term Forecasting with Transformers", section 3.1.

    Departures:
        All channels of a patch become one token; the paper encodes each channel for itself. Patches do not overlap,
        and series are not standardized one by one. Positions are sines, which any length has, and layer normalization
        comes first in each block, instead of batch normalization after it.
    """
    check_counts(channels=channels, patch=patch, width=width, depth=depth, heads=heads)
    check_between("dropout", dropout, 0, below=1)
    if width % 2 or width % heads:
        raise UserError(
            f"a width that is a multiple of 2, for the positions, and of the {heads} heads", f"{width}", "give another"
        )
    tokens = _patches(channels, patch, width, statistics)
    return _encoder(tokens, _attention(width, depth, heads, causal, dropout), "mean", name)


def _encoder(tokens, trunk, pool, name):
    series = keras.Input(tokens.input_shape[1:], name="series")
    x, keep = tokens(series)
    return keras.Model(series, pooling(trunk.output_shape[-1], pool)([trunk([x, keep]), keep]), name=name)


# ---- tokens ----------------------------------------------------------------------------------------------------------


def _filled(series, statistics):
    """Standardized series with 0 for what is missing, and which steps are complete."""
    missing = ops.isnan(series)
    keep = ops.logical_not(ops.any(missing, axis=-1))
    if statistics is not None:
        series = _standardized(series, statistics)
    # the condition has the shape of the series: tf2onnx turns a broadcast `where` into products, and 0 * NaN is NaN
    return ops.where(missing, 0.0, series), keep


def _standardized(series, statistics):
    """`(series - mean) / std`, in float32 under any policy: half precision would lose a series far from 0."""
    mean, std = (np.asarray(values, "float64") for values in statistics)
    shape = (series.shape[-1],)
    if mean.shape != shape or std.shape != shape or not (np.isfinite(mean).all() and (std > 0).all()):
        raise UserError(
            f"mean and standard deviation, above 0, of each of {series.shape[-1]} channels",
            f"{statistics}",
            "compute them: `data.channel_statistics(train)`",
        )
    return (series - mean.astype("float32")) / std.astype("float32")


def _steps(channels, width, statistics):
    series = keras.Input((None, channels), name="series")
    filled, keep = _filled(series, statistics)
    return keras.Model(series, [layers.Dense(width, name="projection")(filled), keep], name="tokens")


def _patches(channels, patch, width, statistics):
    series = keras.Input((None, channels), name="series")
    filled, keep = _filled(series, statistics)
    whole = layers.ZeroPadding1D((0, patch - 1), name="whole_patches")
    x = layers.Conv1D(width, patch, patch, name="projection")(whole(filled))
    known = layers.MaxPooling1D(patch, name="known")(whole(ops.cast(keep, "float32")[:, :, None]))
    return keras.Model(series, [x, known[:, :, 0] > 0.5], name="tokens")


# ---- trunks ----------------------------------------------------------------------------------------------------------


def _inputs(width):
    return keras.Input((None, width), name="tokens"), keras.Input((None,), dtype="bool", name="keep")


def _convolutions(width, depth, causal, output_width, dropout):
    x, keep = inputs = _inputs(width)
    for block in range(depth):
        x = _convolution_block(x, keep, width, 2**block, causal, f"block_{block + 1}")
    if output_width is not None:
        x = _convolution_block(x, keep, output_width, 2**depth, causal, "output", shortcut=True)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, x, name="trunk")


def _convolution_block(x, keep, width, dilation, causal, name, shortcut=False):
    y = x
    for k in (1, 2):
        y = ops.where(keep[:, :, None], gelu(y), 0.0)
        y = _convolution(y, width, dilation, causal, f"{name}_conv_{k}")
    x = layers.Dense(width, name=f"{name}_shortcut")(x) if shortcut else x
    return layers.Add(name=f"{name}_add")([x, y])


def _convolution(x, width, dilation, causal, name):
    """A convolution over 3 time steps that are `dilation` apart."""
    start = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")  # PyTorch's, as in the authors' code
    if dilation < _FAR:
        padding = "causal" if causal else "same"
        layer = layers.Conv1D(width, 3, padding=padding, dilation_rate=dilation, kernel_initializer=start, name=name)
        return layer(x)
    before, twice_before = (_shifted(x, steps) for steps in (dilation, 2 * dilation))
    steps = [twice_before, before, x] if causal else [before, x, _shifted(x, -dilation)]
    return layers.Dense(width, kernel_initializer=start, name=name)(ops.concatenate(steps, axis=-1))


def _shifted(x, steps):
    """The series moved to later steps, or to earlier ones, with zeros where it has none. No longer than it was."""
    gap = ops.zeros_like(x[:, : abs(steps)])
    return ops.concatenate([gap, x[:, :-steps]] if steps > 0 else [x[:, -steps:], gap], axis=1)


def _recurrence(width, depth, cell):
    y, keep = inputs = _inputs(width)
    for k in range(1, depth + 1):
        # cuDNN's kernels take padding at the end only
        layer = _CELLS[cell](width, return_sequences=True, use_cudnn=False, name=f"{cell}_{k}")
        y = layer(y, mask=keep)
    return keras.Model(inputs, y, name="trunk")


def _attention(width, depth, heads, causal, dropout):
    x, keep = inputs = _inputs(width)
    bias = attention_bias(keep, causal)
    x = x + ops.cast(sequence_positions(places(keep), width), x.dtype)
    for k in range(1, depth + 1):
        x = transformer(x, heads, 4 * width, f"block_{k}", bias, dropout)
    return keras.Model(inputs, layers.LayerNormalization(epsilon=1e-6, name="norm")(x), name="trunk")
