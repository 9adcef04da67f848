"""The basic block of a residual network."""

from keras import layers

from keras_ssl.blocks.normalization import BatchNormalization
from keras_ssl.typing import Tensor

__all__ = ["residual"]


def residual(x: Tensor, filters: int, stride: int = 1, name: str = "block") -> Tensor:
    """Two 3x3 convolutions with batch normalization and a residual connection, as functional layers.

    Args:
        x: Symbolic tensor `(n, height, width, channels)`.
        filters: Number of output channels.
        stride: Stride of the first convolution. Default: 1. If the shape changes, the shortcut is a 1x1 convolution
            with this stride.
        name: Prefix of the layers' names.

    Returns:
        Symbolic tensor `(n, ⌈height/stride⌉, ⌈width/stride⌉, filters)`.

    Reference:
        He et al. 2015, "Deep Residual Learning for Image Recognition", Fig. 2 and Eq. 2 (option B).
    """

    def convolution(x, size, stride, part):
        x = layers.Conv2D(
            filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_{part}_conv"
        )(x)
        return BatchNormalization(name=f"{name}_{part}_norm")(x)

    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = convolution(x, 1, stride, "shortcut")
    x = layers.ReLU(name=f"{name}_1_relu")(convolution(x, 3, stride, "1"))
    x = convolution(x, 3, 1, "2")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([shortcut, x]))
