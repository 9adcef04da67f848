"""Encoders of images."""

import keras
from keras import layers

from keras_ssl.blocks import BatchNormalization, residual
from keras_ssl.errors import UserError

__all__ = ["mlp", "conv_net", "resnet18"]


def mlp(input_shape, units=(512, 256), output_activation=None, name="mlp"):
    """Dense layers with ReLU on the flattened input; the last one is linear, unless it is told otherwise.

    Args:
        input_shape: Shape of one sample, without the batch.
        units: Widths of the layers; the last is the width of the representation. Default `(512, 256)`.
        output_activation: Keras's name of the last layer's activation, such as "sigmoid". Default None, linear.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, *input_shape)` to `(n, units[-1])`.
    """
    inputs = keras.Input(input_shape, name="image")
    x = layers.Flatten(name="flatten")(inputs)
    for k, width in enumerate(units, 1):
        x = layers.Dense(width, kernel_initializer="he_normal", name=f"dense_{k}")(x)
        if k < len(units):
            x = layers.ReLU(name=f"relu_{k}")(x)
    if output_activation is not None:
        x = layers.Activation(output_activation, name="output_activation")(x)
    return keras.Model(inputs, x, name=name)


def conv_net(
    input_shape,
    filters=(32, 64, 128),
    pooling="average",
    first_stride=1,
    bottleneck=None,
    normalize=True,
    name="conv_net",
):
    """3x3 convolutions with batch normalization and ReLU; every one after the first halves the resolution.

    Args:
        input_shape: `(height, width, channels)`.
        filters: Channels of the convolutions, from first to last. Default `(32, 64, 128)`.
        pooling: What makes a vector of the last map: "average" (over positions, width `filters[-1]`) or "flatten"
            (every position, for small images where place matters).
        first_stride: Stride of the first convolution. Default 1, for images of a few pixels; 2 costs a fraction of
            the time from some 28 pixels on, because the finest maps are the largest.
        bottleneck: Width of a linear layer after the pooling. Default None: there is none.
        normalize: Whether there is batch normalization. Default True. Without it the ReLUs leak, as in a discriminator:
            batch normalization there lets the samples of a batch see each other.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, *input_shape)` to `(n, d)`.

    Raises:
        UserError: If `pooling` is neither of the two.
    """
    pools = {"average": layers.GlobalAveragePooling2D, "flatten": layers.Flatten}
    if pooling not in pools:
        raise UserError("pooling to be 'average' or 'flatten'", repr(pooling), "choose one of the two")
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


def resnet18(input_shape, stem="auto", width=64, name="resnet18"):
    """The 18-layer residual network without its classifier.

    Args:
        input_shape: `(height, width, channels)`.
        stem: "large" (7x7 convolution of stride 2, then 3x3 max-pooling of stride 2), "small" (one 3x3 convolution, for
            images up to 64 pixels, as SimCLR does for CIFAR-10), or "auto", which goes by the image's size.
        width: Channels of the first stage; the other three have 2, 4 and 8 times as many. Default 64.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, *input_shape)` to `(n, 8 * width)`.

    Raises:
        UserError: If `stem` is none of the three.

    Reference:
        He et al. 2015, "Deep Residual Learning for Image Recognition", Table 1; Chen et al. 2020, appendix B.9 (stem).
    """
    if stem not in ("auto", "small", "large"):
        raise UserError("stem to be 'auto', 'small' or 'large'", repr(stem), "choose one of the three")
    small = stem == "small" or (stem == "auto" and max(input_shape[:2]) <= 64)
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
