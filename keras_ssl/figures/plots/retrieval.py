"""Plots of what lies near in a space that images and texts share."""

import textwrap
from collections.abc import Sequence

import numpy as np

from keras_ssl.checks import check_shape
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.palette import Figure

__all__ = ["nearest_texts"]

_RIGHT, _OTHER = "#009E73", "#b0b8c1"
_MOST = 8  # pictures


@palette.styled
def nearest_texts(
    images: np.ndarray,
    similarity: np.ndarray,
    texts: Sequence[str],
    own: Sequence[str] | None = None,
    count: int = 5,
) -> Figure:
    """Draw images, at most eight, and beside each the texts that are nearest to it, with bars of their similarity.

    Args:
        images: Float array `(n, height, width, channels)` in 0..1.
        similarity: Array `(n, m)`, cosines in -1..1: `embed_image(images) @ embed_text(texts).T`.
        texts: m strings.
        own: The text of each image, n strings, which is written under it, and whose bar is green. Default: None.
        count: Number of texts beside each image. Default: 5.

    Returns:
        A Figure with two axes for each image.

    Raises:
        UserError: If these are not images, or the shapes do not fit.
    """
    images, similarity = np.asarray(images, "float32"), np.asarray(similarity, "float32")
    check_shape(images, at_least=1)
    if similarity.shape != (len(images), len(texts)) or (own is not None and len(own) != len(images)):
        raise UserError(
            f"similarities ({len(images)}, {len(texts)}), of each image to each text",
            f"shape {similarity.shape}" + ("" if own is None else f", and {len(own)} own texts"),
            "give `embed_image(images) @ embed_text(texts).T`",
        )
    shown = min(len(images), _MOST)
    columns = 1 if shown == 1 else 2
    rows = -(-shown // columns)
    figure = palette.figure(4.6 * columns, 1.5 * rows + 0.2)
    axes = np.atleast_2d(figure.subplots(rows, 2 * columns, width_ratios=[1, 2.6] * columns)).reshape(-1, 2)
    for k, (picture, bars) in enumerate(axes):
        if k >= shown:
            picture.set_axis_off()
            bars.set_axis_off()
            continue
        shade = images[k] if images.shape[-1] == 3 else images[k].mean(axis=-1)
        picture.imshow(np.clip(shade, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        picture.set(xticks=[], yticks=[])
        best = np.argsort(-similarity[k], kind="stable")[:count]
        right = [own is not None and texts[m] == own[k] for m in best]
        bars.barh(range(len(best)), similarity[k, best], color=[_RIGHT if one else _OTHER for one in right])
        bars.invert_yaxis()
        bars.set(
            xlim=(min(0.0, float(similarity.min())), 1), yticks=[], xticks=[0, 0.5, 1] if k >= shown - columns else []
        )
        for place, m in enumerate(best):
            bars.text(0.02, place, textwrap.shorten(texts[m], 34, placeholder="…"), va="center", fontsize=8)
        if own is not None:
            picture.set_xlabel(textwrap.shorten(own[k], 22, placeholder="…"), fontsize=8)
    figure.set_label(f"{shown} images and the {min(count, len(texts))} texts nearest to each")
    return figure
