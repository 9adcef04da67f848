"""The encoders that recipes for 28x28 and 32x32 images share."""

import keras

from keras_ssl import data, encoders

__all__ = ["bottleneck_conv_net", "small_conv_net", "small_vit"]

_FEATURES = (32, 64, 128, 128)


def small_conv_net(source: data.Source, normalize: bool = True) -> keras.Model:
    """Return four convolutions of stride 2, whose flattened last feature map is the representation.

    For 28x28 and 32x32 images, it has 2x2 positions and 512 dimensions.

    Args:
        source: `data.Source` of small images.
        normalize: Whether to use batch normalization. Default: True.
    """
    return encoders.conv_net(source.shape, _FEATURES, pooling="flatten", first_stride=2, normalize=normalize)


def bottleneck_conv_net(source: data.Source, normalize: bool = True) -> keras.Model:
    """Return the four convolutions of `small_conv_net` and a linear layer with 128 dimensions.

    Args:
        source: `data.Source` of small images.
        normalize: Whether to use batch normalization. Default: True.
    """
    return encoders.conv_net(
        source.shape, _FEATURES, pooling="flatten", first_stride=2, bottleneck=128, normalize=normalize
    )


def small_vit(source: data.Source) -> keras.Model:
    """Return a vision transformer with 4 blocks of width 128, on patches of 4x4 pixels.

    Args:
        source: `data.Source` of small images.
    """
    return encoders.vit(source.shape, patch=4, width=128, depth=4, heads=4)
