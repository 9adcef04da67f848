"""Generators: from latent vectors to images."""

import math
from collections.abc import Sequence

import keras
from keras import layers

from keras_ssl.blocks import BatchNormalization
from keras_ssl.checks import check_between, check_widths
from keras_ssl.decoders.cropping import cropped
from keras_ssl.errors import UserError
from keras_ssl.typing import Shape

__all__ = ["generator"]


def generator(
    shape: Shape, latent_dim: int = 64, filters: Sequence[int] | None = None, name: str = "generator"
) -> keras.Model:
    """Transposed convolutions with batch normalization and ReLU. Each doubles the resolution.

    Args:
        shape: `(height, width, channels)` of the images.
        latent_dim: Width of the latent vectors. Default: 64.
        filters: Channels at each resolution except the last, coarsest first; at least one. Default: 64 at the finest,
            doubled at each coarser resolution up to 256. Resolutions are added, at least two, until the shorter side is
            at most 8 pixels. For 28x28 images this is `(128, 64)`, starting at 7x7.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, latent_dim)` to `(n, height, width, channels)` in 0..1, always float32.

    Raises:
        UserError: If `shape` is not an image shape of known size, or a width or number of channels is invalid.

    Reference:
        Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
        Networks", section 3 and Figure 1.

    Departures:
        The output is a sigmoid, for images in 0..1. Kernels are 4x4 with Glorot initialization. The number of
        convolutions depends on the image size, and there are fewer channels.
    """
    image_shape = _known(tuple(shape))
    check_between("latent_dim", latent_dim, least=1, whole=True)
    if filters is None:
        count = max(2, math.ceil(math.log2(min(image_shape[:2]) / 8)))
        filters = tuple(min(256, 64 * 2**k) for k in reversed(range(count)))
    check_widths(filters=filters)
    sizes = [tuple(math.ceil(side / 2**k) for side in image_shape[:2]) for k in range(len(filters), -1, -1)]
    inputs = keras.Input((latent_dim,), name="latent")
    x = layers.Dense(math.prod(sizes[0]) * filters[0], use_bias=False, name="dense")(inputs)
    x = layers.Reshape((*sizes[0], filters[0]), name="reshape")(x)
    for k, (size, channels) in enumerate(zip(sizes[1:], (*filters[1:], image_shape[-1])), 1):
        x = BatchNormalization(name=f"norm_{k}")(x)
        x = layers.ReLU(name=f"relu_{k}")(x)
        x = layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=k == len(filters), name=f"up_{k}")(x)
        x = cropped(x, size, k)
    return keras.Model(inputs, layers.Activation("sigmoid", dtype="float32", name="image")(x), name=name)


def _known(shape):
    if len(shape) != 3 or None in shape or min(shape) < 1:
        raise UserError(
            "images (height, width, channels) of known size",
            f"{shape}",
            "give that size; objectives take a `generator`, such as `decoders.mirror(encoder, 'sigmoid', latent_dim)`",
        )
    return shape
