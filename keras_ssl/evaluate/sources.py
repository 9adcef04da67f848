"""What an evaluation takes as images."""

from keras_ssl import checks
from keras_ssl.data import Source, from_arrays
from keras_ssl.networks import embedder

__all__ = ["as_source"]


def as_source(images, model=None):
    """Return images as a `data.Source`, after a check of their values and shape.

    Args:
        images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        model: `keras.Model` that they must fit, an objective (whose embedder they must fit), or None. Of anything
            else the input's shape is not known.

    Raises:
        UserError: If the images are not finite floats in 0..1, or do not fit the model.
    """
    if not isinstance(images, Source):
        checks.check_images(images, at_least=1)  # floats in 0..1; only a source may say that it holds uint8
        images = from_arrays(images)
    checks.check_images(images.images, at_least=1, dtype=images.dtype)
    model = embedder(model)
    if hasattr(model, "input_shape"):
        checks.check_fits(images.images, model)
    return images
