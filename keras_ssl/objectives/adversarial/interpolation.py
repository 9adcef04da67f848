"""Images between two latent vectors."""

from keras import ops

from keras_ssl import directions

__all__ = ["along"]


def along(generator, first, second, steps):
    z = directions.slerp(first, second, steps)
    images = generator(ops.reshape(z, (-1, z.shape[-1])), training=False)
    return ops.reshape(images, (-1, steps, *images.shape[1:]))
