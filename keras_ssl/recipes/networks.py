"""The encoders that recipes for 28x28 and 32x32 images share."""

from keras_ssl import encoders

__all__ = ["bottleneck_conv_net", "small_conv_net", "small_vit"]

_FEATURES = (32, 64, 128, 128)


def small_conv_net(source, normalize=True):
    """Return four convolutions of stride 2, all positions of whose last map make the representation.

    Of 28x28 and of 32x32 images these are 2x2, and 512 dimensions.

    Args:
        source: `data.Source` of small images.
        normalize: Whether there is batch normalization. Default True.
    """
    return encoders.conv_net(source.shape, _FEATURES, pooling="flatten", first_stride=2, normalize=normalize)


def bottleneck_conv_net(source, normalize=True):
    """Return the four convolutions of `small_conv_net` and a linear layer down to 128 dimensions.

    Args:
        source: `data.Source` of small images.
        normalize: Whether there is batch normalization. Default True.
    """
    return encoders.conv_net(
        source.shape, _FEATURES, pooling="flatten", first_stride=2, bottleneck=128, normalize=normalize
    )


def small_vit(source):
    """Return a vision transformer of 4 blocks on patches of 4x4 pixels, 128 wide.

    Args:
        source: `data.Source` of small images.
    """
    return encoders.vit(source.shape, patch=4, width=128, depth=4, heads=4)
