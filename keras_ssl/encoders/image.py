"""Encoders of images."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_ssl.blocks import BatchNormalization, residual
from keras_ssl.checks import check_counts, check_widths
from keras_ssl.encoders.shapes import checked_shape
from keras_ssl.errors import UserError
from keras_ssl.typing import Shape

__all__ = ["mlp", "conv_net", "resnet18"]


def mlp(
    input_shape: Shape, units: Sequence[int] = (512, 256), output_activation: str | None = None, name: str = "mlp"
) -> keras.Model:
    """Dense layers with ReLU on the flattened input. The last layer is linear by default.

    Args:
        input_shape: Shape of one sample, without the batch axis. With one axis it is a row of a table, and the Input is
            named `row`; otherwise it is named `image`.
        units: Widths of the layers; the last is the width of the representation. Default: `(512, 256)`.
        output_activation: Keras name of the last layer's activation, such as "sigmoid". Default: None, linear.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, *input_shape)` to `(n, units[-1])`.

    Raises:
        UserError: If a size is unknown, or `units` has none.
    """
    input_shape = checked_shape(input_shape, images=False)
    check_widths(units=units)
    inputs = keras.Input(input_shape, name="row" if len(input_shape) == 1 else "image")
    x = layers.Flatten(name="flatten")(inputs)
    for k, width in enumerate(units, 1):
        x = layers.Dense(width, kernel_initializer="he_normal", name=f"dense_{k}")(x)
        if k < len(units):
            x = layers.ReLU(name=f"relu_{k}")(x)
    if output_activation is not None:
        x = layers.Activation(output_activation, name="output_activation")(x)
    return keras.Model(inputs, x, name=name)


def conv_net(
    input_shape: Shape,
    filters: Sequence[int] = (32, 64, 128),
    pooling: str = "average",
    first_stride: int = 1,
    bottleneck: int | None = None,
    normalize: bool = True,
    name: str = "conv_net",
) -> keras.Model:
    """3x3 convolutions with batch normalization and ReLU. Each one after the first halves the resolution.

    Args:
        input_shape: `(height, width, channels)`.
        filters: Channels of the convolutions, from first to last. Default: `(32, 64, 128)`.
        pooling: How the last feature map becomes a vector: "average" (over positions, to width `filters[-1]`) or
            "flatten" (keeps every position, for small images where location matters). Default: "average".
        first_stride: Stride of the first convolution. Default: 1, for very small images. From some 28 pixels on, 2
            takes a fraction of the time, because the finest feature maps are the largest.
        bottleneck: Width of a linear layer after the pooling. Default: None, no such layer.
        normalize: Whether to use batch normalization. Default: True. False suits discriminators, where batch
            normalization would mix the samples of a batch; it also turns ReLU into leaky ReLU.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, *input_shape)` to `(n, d)`.

    Raises:
        UserError: If `pooling` has another value, `filters` has none, or the shape is not that of images; only
            "average" takes images of any size, `(None, None, channels)`.
    """
    pools = {"average": layers.GlobalAveragePooling2D, "flatten": layers.Flatten}
    if pooling not in pools:
        raise UserError("pooling to be 'average' or 'flatten'", repr(pooling), "choose one of the two")
    input_shape = checked_shape(input_shape, any_size=pooling == "average")
    check_counts(first_stride=first_stride, bottleneck=1 if bottleneck is None else bottleneck)
    check_widths(filters=filters)
    inputs = keras.Input(input_shape, name="image")
    x = inputs
    for k, width in enumerate(filters, 1):
        stride = first_stride if k == 1 else 2
        x = layers.Conv2D(
            width, 3, stride, "same", use_bias=not normalize, kernel_initializer="he_normal", name=f"conv_{k}"
        )(x)
        if normalize:
            x = BatchNormalization(name=f"norm_{k}")(x)
        x = layers.ReLU(negative_slope=0.0 if normalize else 0.2, name=f"relu_{k}")(x)
    x = pools[pooling](name="pool")(x)
    if bottleneck is not None:
        x = layers.Dense(bottleneck, name="bottleneck")(x)
    return keras.Model(inputs, x, name=name)


def resnet18(input_shape: Shape, stem: str = "auto", width: int = 64, name: str = "resnet18") -> keras.Model:
    """ResNet-18 without its classifier.

    Args:
        input_shape: `(height, width, channels)`.
        stem: "large" (7x7 convolution of stride 2, then 3x3 max-pooling of stride 2), "small" (one 3x3 convolution, as
            SimCLR uses for CIFAR-10), or "auto": small for images up to 64 pixels, else large. Default: "auto".
        width: Channels of the first stage; the other three have 2, 4 and 8 times as many. Default: 64.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, *input_shape)` to `(n, 8 * width)`.

    Raises:
        UserError: If `stem` has another value, or is "auto" for images of unknown size, `(None, None, channels)`; or
            the shape is not that of images.

    Reference:
        He et al. 2015, "Deep Residual Learning for Image Recognition", Table 1; Chen et al. 2020, appendix B.9 (stem).
    """
    input_shape = checked_shape(input_shape, any_size=True)
    check_counts(width=width)
    small = _has_small_stem(stem, input_shape)
    inputs = keras.Input(input_shape, name="image")
    x = layers.Conv2D(
        width,
        3 if small else 7,
        1 if small else 2,
        "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name="stem_conv",
    )(inputs)
    x = BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(name="stem_relu")(x)
    if not small:
        x = layers.MaxPooling2D(3, 2, "same", name="stem_pool")(x)
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            x = residual(x, width * 2**stage, stride, name=f"stage_{stage + 1}_block_{block + 1}")
    return keras.Model(inputs, layers.GlobalAveragePooling2D(name="pool")(x), name=name)


def _has_small_stem(stem, input_shape):
    if stem not in ("auto", "small", "large"):
        raise UserError("stem to be 'auto', 'small' or 'large'", repr(stem), "choose one of the three")
    if stem == "auto" and None in input_shape[:2]:
        raise UserError("an image of known size for stem 'auto'", f"{input_shape}", "give stem='small' or 'large'")
    return stem == "small" or (stem == "auto" and max(input_shape[:2]) <= 64)
