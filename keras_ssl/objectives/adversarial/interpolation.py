"""Images between two latent vectors."""

from keras import ops

from keras_ssl import directions

__all__ = ["along"]


def along(generator, first, second, steps):
    """Return what a generator makes of points between latent vectors, by `directions.slerp`.

    Args:
        generator: `keras.Model` from `(n, latent_dim)` to images.
        first: Vectors `(n, latent_dim)`.
        second: As many.
        steps: Number of points, both ends among them, at least 2.

    Returns:
        Float32 tensor `(n, steps, …)`.
    """
    z = directions.slerp(first, second, steps)
    images = generator(ops.reshape(z, (-1, z.shape[-1])), training=False)
    return ops.reshape(images, (-1, steps, *images.shape[1:]))
