"""The encoder that recipes for 28x28 and 32x32 images share."""

from keras_ssl import encoders

__all__ = ["small_conv_net"]


def small_conv_net(source):
    """Return four convolutions of stride 2, down to 2x2 positions, all of which make the representation, 512 wide.

    Args:
        source: `data.Source` of 28x28 or 32x32 images.
    """
    return encoders.conv_net(source.shape, (32, 64, 128, 128), pooling="flatten", first_stride=2)
