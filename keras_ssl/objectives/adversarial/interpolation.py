"""Images between two latent vectors."""

import keras
from keras import ops

from keras_ssl import directions
from keras_ssl.typing import Tensor

__all__ = ["interpolate_latents"]


def interpolate_latents(generator: keras.Model, first: Tensor, second: Tensor, steps: int) -> Tensor:
    """Generate images between pairs of latent vectors, by spherical interpolation (`directions.slerp`).

    Args:
        generator: `keras.Model` from `(n, latent_dim)` to images.
        first: Vectors `(n, latent_dim)`.
        second: As many.
        steps: Number of images for each pair, both ends included, at least 2.

    Returns:
        Float32 tensor `(n, steps, …)`.
    """
    z = directions.slerp(first, second, steps)
    images = generator(ops.reshape(z, (-1, z.shape[-1])), training=False)
    return ops.reshape(images, (-1, steps, *images.shape[1:]))
