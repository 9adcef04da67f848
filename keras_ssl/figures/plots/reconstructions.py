"""Plot of reconstructed images."""

import numpy as np

from keras_ssl.checks import check_same_shape, check_shape
from keras_ssl.figures.grids import as_floats, image_rows
from keras_ssl.figures.palette import Figure

__all__ = ["reconstructions"]


def reconstructions(images: np.ndarray, rebuilt: np.ndarray) -> Figure:
    """Draw images above their reconstructions, at most twelve.

    Args:
        images: `(n, height, width, channels)`, values in 0..1. Three channels are shown in color; any other number
            of channels is averaged to gray.
        rebuilt: Output of `reconstruct` for them, of the same shape; clipped to 0..1.

    Returns:
        A Figure with one axes for each of the two rows.

    Raises:
        UserError: If the shapes differ, or are not batches of images.
    """
    images, rebuilt = as_floats(images), as_floats(rebuilt)
    check_shape(images, at_least=1)
    check_same_shape(images, rebuilt, do="pass the images and `autoencoder.reconstruct(images)`")
    error = float(np.mean((images - rebuilt) ** 2))
    figure = image_rows({"input": images[:12], f"rebuilt\nMSE {error:.3g}": rebuilt[:12]})
    figure.set_label(f"Images and their reconstructions, mean squared error {error:.3g} over {len(images)} images")
    return figure
