"""Encoders of video: a network on each frame, and one over time.

`frame_conv` makes a vector of each frame, so that it is an encoder of sequences with the layers `tokens`, `trunk` and
`pool` (`networks.parts`). `stacked_conv`, `conv_lstm` and `conv_transformer` keep feature maps. Their layers are
`frames`, from the video to a map of each frame, `trunk`, from these to one map of the whole clip, which
`FramePrediction` decodes, and `pool`, its mean over places.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_ssl.blocks import attention_bias, gelu, places, sequence_positions
from keras_ssl.checks import check_counts, check_widths
from keras_ssl.encoders.pooled import pooling
from keras_ssl.errors import UserError
from keras_ssl.typing import Shape, Tensor

__all__ = ["conv_lstm", "conv_transformer", "frame_conv", "stacked_conv"]


def frame_conv(
    input_shape: Shape,
    filters: Sequence[int] = (32, 64),
    width: int = 128,
    depth: int = 3,
    name: str = "frame_conv",
) -> keras.Model:
    """A convolutional network on each frame, and causal convolutions over time.

    `tokens` makes a vector of each frame: convolutions of stride 2, the mean over places, and a linear layer. `trunk`
    is residual blocks of a convolution over 3 frames; those of block l, from 0, are 2^l apart, and none comes later.
    `pool` is the mean over time.

    Args:
        input_shape: `(time, height, width, channels)`; all but the channels may be None.
        filters: Channels of the convolutions on frames. Default: `(32, 64)`.
        width: Width of the frames' vectors and of the representation. Default: 128.
        depth: Number of blocks. Default: 3, with which a frame depends on the 14 before it.
        name: Name of the model.

    Returns:
        `keras.Model` from `video` `(n, *input_shape)` to `(n, width)`, float32.

    Raises:
        UserError: If the shape is not that of a video, or a number is below 1.
    """
    shape = _checked(input_shape)
    check_counts(width=width, depth=depth)
    video = keras.Input(shape, name="video")
    maps = _each_frame(video, filters)
    tokens = keras.Model(video, layers.Dense(width, name="projection")(ops.mean(maps, axis=(2, 3))), name="tokens")
    x = inputs = keras.Input((None, width), name="tokens")
    for block in range(depth):
        y = layers.Conv1D(width, 3, padding="causal", dilation_rate=2**block, name=f"block_{block + 1}_conv")(gelu(x))
        x = layers.Add(name=f"block_{block + 1}_add")([x, y])
    trunk, pool = keras.Model(inputs, x, name="trunk"), pooling(width, padded=False)
    video = keras.Input(shape, name="video")
    return keras.Model(video, pool(trunk(tokens(video))), name=name)


def stacked_conv(
    input_shape: Shape,
    filters: Sequence[int] = (32, 32),
    width: int = 256,
    depth: int = 4,
    kernel: int = 7,
    name: str = "stacked_conv",
) -> keras.Model:
    """SimVP's encoder and translator: convolutions on each frame, whose maps are then stacked as channels.

    `frames` is convolutions of stride 2. `trunk` stacks the maps of all frames, and is residual blocks of a depthwise
    convolution and two dense layers at each place.

    Args:
        input_shape: `(time, height, width, channels)`; height and width may be None.
        filters: Channels of the convolutions on frames. Default: `(32, 32)`.
        width: Channels of the trunk, and width of the representation. Default: 256.
        depth: Number of blocks. Default: 4.
        kernel: Height and width of the depthwise convolutions. Default: 7.
        name: Name of the model.

    Returns:
        `keras.Model` from `video` `(n, *input_shape)` to `(n, width)`.

    Raises:
        UserError: If the shape is not that of a video of known length, or a number is below 1.

    Reference:
        Gao et al. 2022, "SimVP: Simpler yet Better Video Prediction", section 3.2 and Fig. 2. The blocks are those of
        Liu et al. 2022, "A ConvNet for the 2020s", Fig. 4, in place of SimVP's Inception blocks, as in Tan et al. 2023,
        "OpenSTL: A Comprehensive Benchmark of Spatio-Temporal Predictive Learning", section 3.2.

    Departures:
        The first map is not passed on to the decoder. Layer normalization over channels takes the place of group
        normalization, so that frames do not mix before the trunk.
    """
    shape = _checked(input_shape, known_length=True)
    check_counts(width=width, depth=depth, kernel=kernel)
    frames = _frames(shape, filters)
    maps = keras.Input(frames.output_shape[1:], name="maps")
    x = ops.squeeze(layers.Conv3D(width, (shape[0], 1, 1), name="stack")(maps), axis=1)
    for block in range(1, depth + 1):
        x = _translated(x, width, kernel, f"block_{block}")
    return _of_maps(shape, frames, keras.Model(maps, x, name="trunk"), name)


def conv_lstm(
    input_shape: Shape,
    filters: Sequence[int] = (32, 32),
    width: int = 64,
    depth: int = 2,
    kernel: int = 3,
    name: str = "conv_lstm",
) -> keras.Model:
    """Convolutions on each frame, and LSTMs over time whose products are convolutions.

    `frames` is convolutions of stride 2; `trunk` is the LSTMs, of which the last one's last output is kept.

    Args:
        input_shape: `(time, height, width, channels)`; the time may be None.
        filters: Channels of the convolutions on frames. Default: `(32, 32)`.
        width: Channels of the LSTMs, and width of the representation. Default: 64.
        depth: Number of LSTMs. Default: 2.
        kernel: Height and width of their convolutions. Default: 3.
        name: Name of the model.

    Returns:
        `keras.Model` from `video` `(n, *input_shape)` to `(n, width)`.

    Raises:
        UserError: If the shape is not that of a video of known height and width, or a number is below 1.

    Reference:
        Shi et al. 2015, "Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting", Eq. 3.

    Departures:
        The cells have no peepholes. Frames pass convolutions of stride 2 first; the paper's are cut into patches.
    """
    shape = _checked(input_shape, known_size=True)
    check_counts(width=width, depth=depth, kernel=kernel)
    frames = _frames(shape, filters)
    x = maps = keras.Input(frames.output_shape[1:], name="maps")
    for k in range(1, depth + 1):
        x = layers.ConvLSTM2D(width, kernel, padding="same", return_sequences=k < depth, name=f"lstm_{k}")(x)
    return _of_maps(shape, frames, keras.Model(maps, x, name="trunk"), name)


def conv_transformer(
    input_shape: Shape,
    filters: Sequence[int] = (32, 32),
    width: int = 64,
    depth: int = 4,
    heads: int = 4,
    kernel: int = 3,
    name: str = "conv_transformer",
) -> keras.Model:
    """Convolutions on each frame, and a transformer over time whose feed-forward layers are convolutions.

    `frames` is convolutions of stride 2. `trunk` projects their maps, adds the position in time, and is blocks of two
    halves: attention at each place over the same place of this and earlier frames, and convolutions on each frame, by
    which things move from place to place. The map of the last frame is kept.

    Args:
        input_shape: `(time, height, width, channels)`; all but the channels may be None.
        filters: Channels of the convolutions on frames. Default: `(32, 32)`.
        width: Channels of the trunk, and width of the representation, a multiple of 2 and of `heads`. Default: 64.
        depth: Number of blocks. Default: 4.
        heads: Number of attention heads. Default: 4.
        kernel: Height and width of the convolutions in a block. Default: 3.
        name: Name of the model.

    Returns:
        `keras.Model` from `video` `(n, *input_shape)` to `(n, width)`.

    Raises:
        UserError: If the shape is not that of a video, a number is below 1, or the width does not fit.

    Reference:
        Liu et al. 2020, "ConvTransformer: A Convolutional Transformer Network for Video Frame Synthesis": attention
        over the frames at each place, and convolutional feed-forward layers.

    Departures:
        Queries, keys and scores are of single places, by linear layers instead of convolutions. Layer normalization
        comes first in each half. Attention is causal, so that the maps of a clip are those of any longer one that
        begins so. Frames are decoded by `decoders.frames`, not by queries of their own.
    """
    shape = _checked(input_shape)
    check_counts(width=width, depth=depth, heads=heads, kernel=kernel)
    if width % 2 or width % heads:
        raise UserError(
            f"a width that is a multiple of 2, for the positions, and of the {heads} heads", f"{width}", "give another"
        )
    frames = _frames(shape, filters)
    maps = keras.Input(frames.output_shape[1:], name="maps")
    keep = ops.ones_like(maps[:, :, 0, 0, 0], dtype="bool")
    bias = attention_bias(keep, causal=True)[:, None]
    x = layers.Dense(width, name="projection")(maps)
    x = x + ops.cast(sequence_positions(places(keep), width), x.dtype)[:, :, None, None]
    for block in range(1, depth + 1):
        x = _attended(x, heads, bias, kernel, f"block_{block}")
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    return _of_maps(shape, frames, keras.Model(maps, x[:, -1], name="trunk"), name)


def _frames(shape, filters):
    video = keras.Input(shape, name="video")
    return keras.Model(video, _each_frame(video, filters), name="frames")


def _each_frame(x: Tensor, filters: Sequence[int]) -> Tensor:
    """Convolutions of stride 2 on each frame; kernels of length 1 along time take no turn through other shapes."""
    check_widths(filters=filters)
    for k, channels in enumerate(filters, 1):
        x = layers.Conv3D(channels, (1, 3, 3), (1, 2, 2), "same", name=f"conv_{k}")(x)
        x = gelu(layers.LayerNormalization(epsilon=1e-6, name=f"norm_{k}")(x))
    return x


def _translated(x, width, kernel, name):
    y = layers.DepthwiseConv2D(kernel, padding="same", name=f"{name}_conv")(x)
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(y)
    y = gelu(layers.Dense(4 * width, name=f"{name}_hidden")(y))
    return layers.Add(name=f"{name}_add")([x, layers.Dense(width, name=f"{name}_output")(y)])


def _attended(x, heads, bias, kernel, name):
    """Attention over time at each place, and convolutions on each frame."""
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_1_norm")(x)
    y = layers.Dense(width, name=f"{name}_attention_output")(_over_time(y, heads, bias, f"{name}_attention"))
    x = layers.Add(name=f"{name}_1_add")([x, y])
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_2_norm")(x)
    y = gelu(layers.Conv3D(2 * width, (1, kernel, kernel), padding="same", name=f"{name}_hidden")(y))
    return layers.Add(name=f"{name}_2_add")([x, layers.Dense(width, name=f"{name}_output")(y)])


def _over_time(x, heads, bias, name):
    """What each head takes from the frames; one after another, since TensorFlow's softmax takes five axes on a CPU."""
    parts = ops.split(layers.Dense(3 * x.shape[-1], name=f"{name}_qkv")(x), 3 * heads, axis=-1)
    taken = []
    for q, k, v in zip(parts[:heads], parts[heads : 2 * heads], parts[2 * heads :]):
        scores = ops.einsum("nthwd,nshwd->nhwts", q * q.shape[-1] ** -0.5, k)
        weights = ops.softmax(scores + ops.cast(bias, scores.dtype))
        taken.append(ops.einsum("nhwts,nshwd->nthwd", weights, v))
    return ops.concatenate(taken, axis=-1)


def _of_maps(shape, frames, trunk, name):
    video = keras.Input(shape, name="video")
    return keras.Model(video, layers.GlobalAveragePooling2D(name="pool")(trunk(frames(video))), name=name)


def _checked(input_shape: Any, known_length: bool = False, known_size: bool = False) -> tuple[int | None, ...]:
    """The shape of a video as a tuple, of which some axes may be open."""
    sizes = tuple(input_shape) if isinstance(input_shape, tuple | list) else ()
    known = (known_length, known_size, known_size, True)
    right = len(sizes) == 4 and all(
        (size is None and not need) or (isinstance(size, int) and not isinstance(size, bool) and size >= 1)
        for size, need in zip(sizes, known)
    )
    if not right:
        names = ("time", "height", "width", "channels")
        fixed = ", ".join(name for name, need in zip(names, known) if need)
        raise UserError(
            f"input_shape as (time, height, width, channels), whole numbers; {fixed} must be known",
            repr(input_shape),
            "give it without the axis of samples; gray videos have 1 channel",
        )
    return sizes
