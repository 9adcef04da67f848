"""Encoders of sound: of the samples themselves, and of their log-mel spectrograms."""

from collections.abc import Sequence

import keras
from keras import layers, ops

from keras_ssl.blocks import attention_bias, gelu, mel_filters, places, rotate, scaled_dot_product
from keras_ssl.blocks import transformer as transformer_block
from keras_ssl.checks import check_between, check_counts, check_widths
from keras_ssl.encoders.pooled import pooling
from keras_ssl.errors import UserError
from keras_ssl.networks import kept_frames

__all__ = ["spectrogram_conv", "spectrogram_transformer", "wav2vec2"]

_FLOOR = 1e-4  # of the power in a mel band; a sine wave of amplitude 2e-4 has as much


def wav2vec2(
    width: int = 128,
    depth: int = 3,
    heads: int = 4,
    hidden: int | None = None,
    filters: Sequence[int] | None = None,
    kernels: Sequence[int] = (10, 8, 4, 4, 4),
    strides: Sequence[int] = (5, 4, 2, 2, 2),
    dropout: float = 0.0,
    name: str = "wav2vec2",
) -> keras.Model:
    """Convolutions over the samples of a recording and a transformer over their outputs: `tokens`, `trunk`, `pool`.

    `tokens` divides a recording by its root mean square and runs the convolutions; it also gives keep. `trunk`
    normalizes and projects what they give, and is a transformer whose attention does not see padding. `pool` averages
    the frames that are kept. `networks.parts` finds the three.

    Padding is the trailing run of zeros (`networks.kept_frames`) and changes nothing; silence becomes a vector of
    zeros. A recording of any length gives `ceil(time / step)` frames, where step is the product of the strides: 160
    samples, 20 ms at 8 kHz. For 16 kHz give `strides=(5, 4, 4, 2, 2)`.

    It is made of Keras layers and operations only, so that its file loads without keras_ssl. By default it has 0.8
    million weights.

    Args:
        width: Width of the tokens, the frames and the representation. It is a multiple of `heads`, and each head is of
            even width. Default: 128.
        depth: Number of transformer blocks. Default: 3.
        heads: Number of attention heads. Default: 4.
        hidden: Width of the hidden layer in a block. Default: `4 * width`.
        filters: Number of filters of each convolution; the last is `width`. Default: a quarter and a half of the width,
            then the width.
        kernels: Length of each convolution. Default: 10, 8, 4, 4, 4, those of wav2vec (Schneider et al. 2019).
        strides: Stride of each, at most its length. Default: 5, 4, 2, 2, 2.
        dropout: Rate of dropout of the projected tokens and of what each half of a block adds to them. Default: 0.
        name: Name of the model.

    Returns:
        `keras.Model` from `audio` `(n, time)`, floats in -1..1 of any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is out of its range, or there are not as many filters, kernels and strides.

    Reference:
        Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations", section
        2 and Fig. 1.

    Departures:
        It is smaller, with fewer filters where there are more frames. Every convolution is followed by layer
        normalization, as in the authors' large models; group normalization over time would depend on the padding.
        Positions are rotary instead of a convolution of length 128, longer than most of these recordings. The mean of a
        recording is not subtracted, so that its padding stays 0.
    """
    _check(width, depth, heads, hidden, dropout)
    if filters is None:
        fewer = [max(1, width // 4), max(1, width // 2), *[width] * len(kernels)]
        filters = (*fewer[: len(kernels) - 1], width)
    _check_convolutions(width, filters, kernels, strides)
    tokens = _convolved(filters, kernels, strides)
    trunk = _transformer(width, width, depth, heads, hidden or 4 * width, dropout)
    return _encoder(tokens, trunk, width, name)


def spectrogram_transformer(
    width: int = 128,
    depth: int = 3,
    heads: int = 4,
    hidden: int | None = None,
    rate: int = 8000,
    frame: int = 256,
    step: int = 160,
    mels: int = 40,
    dropout: float = 0.0,
    name: str = "spectrogram_transformer",
) -> keras.Model:
    """A transformer over the frames of a log-mel spectrogram, in three named layers: `tokens`, `trunk` and `pool`.

    `tokens` is the spectrogram, standardized: of each recording, all values that are no padding have mean 0 and
    standard deviation 1. `trunk` projects it to the width, and is as that of `wav2vec2`. So is `pool`, and what
    `wav2vec2` says about padding and lengths.

    It is made of Keras layers and operations only, so that its file loads without keras_ssl. The Fourier transform is a
    convolution, which ONNX has.

    Args:
        width: See `wav2vec2`. Default: 128.
        depth: See `wav2vec2`. Default: 3.
        heads: See `wav2vec2`. Default: 4.
        hidden: See `wav2vec2`. Default: `4 * width`.
        rate: Sampling rate in Hz. Default: 8000.
        frame: Length of a frame in samples. Default: 256, 32 ms at 8 kHz.
        step: Samples from the beginning of a frame to that of the next, at most `frame`. Default: 160.
        mels: Number of mel bands. Default: 40.
        dropout: See `wav2vec2`. Default: 0.
        name: Name of the model.

    Returns:
        `keras.Model` from `audio` `(n, time)`, floats in -1..1 of any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Gong et al. 2021, "AST: Audio Spectrogram Transformer", section 2.1.

    Departures:
        A token is a whole frame, not a square of a spectrogram, so that recordings may have any length. Positions are
        rotary, and frames are averaged in place of a class token.
    """
    _check(width, depth, heads, hidden, dropout)
    tokens = _spectrogram(rate, frame, step, mels)
    trunk = _transformer(mels, width, depth, heads, hidden or 4 * width, dropout)
    return _encoder(tokens, trunk, width, name)


def spectrogram_conv(
    width: int = 128,
    filters: Sequence[int] = (16, 32, 64, 64),
    depth: int = 2,
    rate: int = 8000,
    frame: int = 256,
    step: int = 160,
    mels: int = 40,
    name: str = "spectrogram_conv",
) -> keras.Model:
    """Convolutions over a log-mel spectrogram, in three named layers: `tokens`, `trunk` and `pool`.

    `tokens` is the spectrogram, see `spectrogram_transformer`. `trunk` runs convolutions of 3x3 over time and
    frequency, each of which halves the frequencies, a dense layer of each frame, and residual convolutions of length 3
    over time, of which those of block l, from 0, are 2^l frames apart. `pool` averages the frames that are kept.
    About padding and lengths see `wav2vec2`.

    It is made of Keras layers and operations only, so that its file loads without keras_ssl.

    Args:
        width: Width of the frames and of the representation. Default: 128.
        filters: Number of filters of each convolution over time and frequency. Default: 16, 32, 64, 64.
        depth: Number of residual blocks. Default: 2: a frame then depends on 15 frames, 0.3 s at 8 kHz.
        rate: See `spectrogram_transformer`. Default: 8000.
        frame: See `spectrogram_transformer`. Default: 256.
        step: See `spectrogram_transformer`. Default: 160.
        mels: See `spectrogram_transformer`. Default: 40.
        name: Name of the model.

    Returns:
        `keras.Model` from `audio` `(n, time)`, floats in -1..1 of any length, to `(n, width)`, float32.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Niizumi et al. 2021, "BYOL for Audio: Self-Supervised Learning for General-Purpose Audio Representation",
        section III-B.

    Departures:
        Layer normalization over the filters instead of batch normalization, which would depend on the padding; strides
        in place of pooling, and over frequencies only; residual blocks over time; a mean over time alone.
    """
    check_counts(width=width, depth=depth)
    check_widths(filters=filters)
    return _encoder(_spectrogram(rate, frame, step, mels), _convolutional(mels, width, filters, depth), width, name)


def _encoder(tokens, trunk, width, name):
    audio = keras.Input((None,), name="audio")
    x, keep = tokens(audio)
    return keras.Model(audio, pooling(width)([trunk([x, keep]), keep]), name=name)


# ---- tokens ----------------------------------------------------------------------------------------------------------


def _convolved(filters, kernels, strides):
    """Convolutions over samples. Each one's input has zeros after its end, so that it has a frame for each stride."""
    audio = keras.Input((None,), name="audio")
    keep = kept_frames(audio, strides[0])
    samples = strides[0] * ops.sum(ops.cast(keep, "float32"), axis=1, keepdims=True)
    power = ops.sum(ops.square(audio), axis=1, keepdims=True) / ops.maximum(samples, 1.0)
    x = (audio * ops.rsqrt(ops.maximum(power, 1e-12)))[:, :, None]
    for k, (count, kernel, stride) in enumerate(zip(filters, kernels, strides), 1):
        keep = keep if k == 1 else keep[:, ::stride]
        x = layers.Conv1D(count, kernel, stride, use_bias=False, name=f"conv_{k}")(_with_zeros(x, kernel))
        x = layers.LayerNormalization(epsilon=1e-5, name=f"norm_{k}")(x)
        x = _kept(gelu(x), keep)
    return keras.Model(audio, [x, keep], name="tokens")


def _spectrogram(rate, frame, step, mels):
    check_counts(rate=rate, frame=frame, step=step, mels=mels)
    check_between("step", step, 1, frame, whole=True)
    audio = keras.Input((None,), name="audio")
    keep, length = kept_frames(audio, step), 1 << (frame - 1).bit_length()
    powers = layers.STFTSpectrogram(
        "psd", frame, step, length, scaling=None, trainable=False, dtype="float32", name="powers"
    )(_with_zeros(audio[:, :, None], frame))
    x = ops.log(ops.matmul(powers, mel_filters(rate, length, mels)) + _FLOOR)
    count = ops.maximum(mels * ops.sum(ops.cast(keep, "float32"), axis=1), 1.0)[:, None, None]
    x = _kept(x - ops.sum(_kept(x, keep), axis=(1, 2), keepdims=True) / count, keep)
    variance = ops.sum(ops.square(x), axis=(1, 2), keepdims=True) / count
    return keras.Model(audio, [x * ops.rsqrt(variance + 1e-3), keep], name="tokens")


def _with_zeros(x, kernel):
    return ops.pad(x, [[0, 0], [0, kernel - 1], [0, 0]])


def _kept(x, keep):
    return ops.where(keep[:, :, None], x, 0.0)


# ---- trunks ----------------------------------------------------------------------------------------------------------


def _transformer(features, width, depth, heads, hidden, dropout):
    inputs = keras.Input((None, features), name="tokens")
    keep = keras.Input((None,), dtype="bool", name="keep")
    bias, place = attention_bias(keep), places(keep)

    def attend(q, k, v, bias):
        return scaled_dot_product(rotate(q, place), rotate(k, place), v, bias)

    x = layers.LayerNormalization(epsilon=1e-6, name="tokens_norm")(inputs)
    x = layers.Dense(width, name="projection")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    for k in range(1, depth + 1):
        x = transformer_block(x, heads, hidden, f"block_{k}", bias, dropout, attend)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    return keras.Model([inputs, keep], x, name="trunk")


def _convolutional(mels, width, filters, depth):
    inputs = keras.Input((None, mels), name="tokens")
    keep = keras.Input((None,), dtype="bool", name="keep")
    x, kept = _kept(inputs, keep)[:, :, :, None], keep[:, :, None, None]
    for k, count in enumerate(filters, 1):
        x = layers.Conv2D(count, 3, (1, 2), padding="same", use_bias=False, name=f"conv_{k}")(x)
        x = layers.LayerNormalization(epsilon=1e-5, name=f"norm_{k}")(x)
        x = ops.where(kept, gelu(x), 0.0)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), name="frames")(x)
    x = layers.Dense(width, name="projection")(x)
    for k in range(1, depth + 1):
        y = layers.LayerNormalization(epsilon=1e-5, name=f"block_{k}_norm")(x)
        y = _kept(gelu(y), keep)
        y = layers.Conv1D(width, 3, padding="same", dilation_rate=2 ** (k - 1), name=f"block_{k}_conv")(y)
        x = layers.Add(name=f"block_{k}_add")([x, y])
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    return keras.Model([inputs, keep], x, name="trunk")


# ---- checks ----------------------------------------------------------------------------------------------------------


def _check(width, depth, heads, hidden, dropout):
    check_counts(width=width, depth=depth, heads=heads, hidden=1 if hidden is None else hidden)
    check_between("dropout", dropout, 0, below=1)
    if width % (2 * heads):
        raise UserError(
            f"a width whose {heads} heads are of even width",
            f"width={width}",
            "give 32 for each head, or other `heads`",
        )


def _check_convolutions(width, filters, kernels, strides):
    if not len(filters) == len(kernels) == len(strides) > 0:
        raise UserError(
            "as many filters as kernels and strides",
            f"{len(filters)}, {len(kernels)} and {len(strides)}",
            "give one of each for every convolution",
        )
    for k, (count, kernel, stride) in enumerate(zip(filters, kernels, strides)):
        check_counts(**{f"filters[{k}]": count, f"kernels[{k}]": kernel})
        check_between(f"strides[{k}]", stride, 1, kernel, whole=True)
    if filters[-1] != width:
        raise UserError(
            f"{width} filters in the last convolution, the width of the tokens",
            f"{filters[-1]}",
            "give this width as the last of `filters`",
        )
