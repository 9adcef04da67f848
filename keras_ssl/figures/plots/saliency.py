"""Plot of the pixels that a classifier's decisions depend on."""

import textwrap
from collections.abc import Sequence

import numpy as np

from keras_ssl.checks import as_array, check_shape
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.grids import as_floats, draw_image
from keras_ssl.figures.palette import Figure

__all__ = ["saliency"]

_MOST = 8  # images
_TOP = 99  # percentile of a map that is drawn brightest, as SmoothGrad's paper has it
_SIDE, _TEXT = 1.15, 0.42  # inches of an image, and of the words above it


@palette.styled
def saliency(images: np.ndarray, maps: np.ndarray, titles: Sequence[str] | None = None) -> Figure:
    """Draw images, at most eight, above the maps of the pixels that decisions about them depend on.

    Each map has its own scale, from black at 0 to yellow at its 99th percentile, so that maps can be compared in shape
    but not in size.

    Args:
        images: Float array `(n, height, width, channels)` in 0..1. Three channels are shown in color; any other number
            of channels is averaged to gray.
        maps: Float array `(n, height, width)`, at least 0, such as `evaluate.saliency(classifier, images)`.
        titles: n texts to write above the images, such as the predicted classes. Default: None.

    Returns:
        A Figure with two axes for each image.

    Raises:
        UserError: If the shapes do not fit, or a map has negative or not finite values.

    Reference:
        See `evaluate.saliency`.
    """
    images, maps = as_floats(images), as_array(maps, "maps")
    check_shape(images, at_least=1)
    if maps.shape != images.shape[:3] or not np.isfinite(maps).all() or (maps < 0).any():
        raise UserError(
            f"maps of shape {images.shape[:3]} with finite values of at least 0",
            f"shape {maps.shape}" + (", negative or not finite values" if maps.shape == images.shape[:3] else ""),
            "give `evaluate.saliency(classifier, images)`",
        )
    if titles is not None and len(titles) != len(images):
        raise UserError(f"{len(images)} titles", f"{len(titles)}", "give one for each image")
    n = min(len(images), _MOST)
    high = _SIDE * images.shape[1] / images.shape[2]
    figure = palette.figure(_SIDE * n + 0.8, 2 * high + (_TEXT if titles is not None else 0.1))
    axes = figure.subplots(2, n, squeeze=False)
    for k, (above, below) in enumerate(axes.T):
        draw_image(above, images[k])
        top = max(float(np.percentile(maps[k], _TOP)), np.finfo("float32").tiny)
        below.imshow(maps[k], cmap="inferno", vmin=0, vmax=top, interpolation="nearest")
        below.set(xticks=[], yticks=[])
        below.spines[:].set_visible(False)
        if titles is not None:
            above.set_title(_lines(titles[k]), size=8.5, weight="normal", loc="center", pad=3)
    for axis, words in zip(axes[:, 0], ("image", "saliency")):
        axis.set_ylabel(words, rotation=0, ha="right", va="center", fontsize=9)
    figure.set_label(f"{n} images, and the pixels that the decisions about them depend on")
    return figure


def _lines(title):
    """At most two lines that are no wider than an image."""
    return "\n".join(textwrap.wrap(str(title), 16, max_lines=2, placeholder="…"))
