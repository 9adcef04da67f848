"""Plots of what lies near in a space of embeddings."""

import textwrap
from collections.abc import Sequence

import numpy as np

from keras_ssl.checks import check_between, check_shape
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.grids import as_floats, draw_image
from keras_ssl.figures.palette import INK, Figure

__all__ = ["nearest"]

_RIGHT, _OTHER = "#009E73", "#b0b8c1"
_MOST = 8  # queries
_SIDE = 0.85  # inches of an image among others
_BAR, _WIDE = 0.22, 2.7  # inches that a text is high and wide


@palette.styled
def nearest(
    queries: np.ndarray | Sequence[str],
    similarity: np.ndarray,
    answers: np.ndarray | Sequence[str],
    right: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
    count: int = 5,
) -> Figure:
    """Draw queries, at most eight, each beside the answers that are nearest to it. Both may be images or texts.

    Texts are written on bars as long as the similarity, if it is positive; images have it below. Right answers are
    green and ticked.

    Args:
        queries: Float array `(n, height, width, channels)` in 0..1, or n strings.
        similarity: Array `(n, m)`, cosines in -1..1, such as `clip.embed_image(images) @ clip.embed_text(texts).T`.
        answers: Float array `(m, height, width, channels)` in 0..1, or m strings.
        right: Boolean array `(n, m)`, whether an answer is a right one for a query. Default: None, nothing is marked.
        captions: n strings to write below queries that are images, such as their own texts. Default: None.
        count: Number of answers beside each query. Default: 5.

    Returns:
        A Figure with two axes for each query if the answers are texts, and with `1 + count` if they are images.

    Raises:
        UserError: If these are neither images nor strings, or the shapes do not fit.

    Example:
        `nearest(texts, clip.embed_text(texts, tokenizer) @ clip.embed_image(images).T, images)`
    """
    queries, answers = _images_or_texts(queries, "queries"), _images_or_texts(answers, "answers")
    check_between("count", count, least=1, whole=True)
    similarity = np.asarray(similarity, "float32")
    _check_shapes(len(queries), len(answers), similarity, right, captions)
    order = np.argsort(-similarity, axis=1, kind="stable")[:_MOST, :count]
    draw = _beside_texts if isinstance(answers, list) else _beside_images
    figure, rows = draw(queries, len(order), order.shape[1])
    for k, (best, (first, *others)) in enumerate(zip(order, rows)):
        cosines = similarity[k, best]
        ticks = np.zeros(len(best), bool) if right is None else np.asarray(right, bool)[k, best]
        _query(first, queries[k], None if captions is None else captions[k])
        if isinstance(answers, list):
            _bars(others[0], [answers[m] for m in best], cosines, ticks)
        else:
            _strip(others, answers[best], cosines, ticks)
    found = "" if right is None else f", where right ones are ticked; the nearest is right for {_hits(order, right)}"
    kind = "texts" if isinstance(answers, list) else "images"
    figure.set_label(f"{len(order)} queries and the {order.shape[1]} {kind} nearest to each{found}")
    return figure


def _images_or_texts(samples, name):
    """Images as floats, or a list of strings."""
    if len(samples) and all(isinstance(one, str) for one in samples):
        return [str(one) for one in samples]
    images = as_floats(samples)
    check_shape(images, at_least=1, name=name)
    return images


def _check_shapes(n, m, similarity, right, captions):
    shapes = {"similarities": similarity.shape} | ({} if right is None else {"right": np.shape(right)})
    for name, shape in shapes.items():
        if shape != (n, m):
            do = "give `embed_image(images) @ embed_text(texts).T`, and for `right` a matrix of the same shape"
            raise UserError(f"{name} ({n}, {m}), of each query to each answer", f"shape {shape}", do)
    if captions is not None and len(captions) != n:
        raise UserError(f"a caption for each of {n} queries", f"{len(captions)}", "give one for each")


def _hits(order, right):
    right = np.asarray(right, bool)
    return f"{sum(bool(right[k, best[0]]) for k, best in enumerate(order))} of {len(order)}"


def _beside_texts(queries, n, count):
    """A figure with axes for each query and for its bars, in two columns if there are several."""
    columns = 1 if n == 1 else 2
    rows = -(-n // columns)
    high = max(_BAR * count, 1.0) + 0.3
    wide = [0.9 * high if not isinstance(queries, list) else 1.6, _WIDE]
    figure = palette.figure(columns * (sum(wide) + 0.1), rows * high)
    axes = figure.subplots(rows, 2 * columns, width_ratios=wide * columns, squeeze=False).reshape(-1, 2)
    for axis in axes[n:].flat:
        axis.set_axis_off()
    return figure, axes[:n]


def _beside_images(queries, n, count):
    """A figure with axes for each query, and for each of its answers in the same row."""
    wide = [1.9 if isinstance(queries, list) else 1.2, *([1.0] * count)]
    figure = palette.figure(_SIDE * sum(wide) + 0.2, (_SIDE + 0.22) * n)
    return figure, figure.subplots(n, 1 + count, width_ratios=wide, squeeze=False)


def _query(axis, query, caption):
    if isinstance(query, str):
        lines = "\n".join(textwrap.wrap(query, 22, max_lines=4, placeholder="…"))
        axis.text(1, 0.5, lines, ha="right", va="center", fontsize=9, transform=axis.transAxes)
        axis.set_axis_off()
        return
    draw_image(axis, query)
    if caption is not None:
        axis.set_xlabel("\n".join(textwrap.wrap(caption, 18, max_lines=2, placeholder="…")), fontsize=7.5)


def _bars(axis, texts, cosines, ticks):
    colors = [_RIGHT if tick else _OTHER for tick in ticks]
    axis.barh(range(len(texts)), np.maximum(cosines, 0), color=colors, alpha=0.55)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.17), xticks=[], yticks=[])  # beyond 1 stand the numbers
    axis.spines[["bottom", "left"]].set_visible(False)
    for place, (text, cosine, tick) in enumerate(zip(texts, cosines, ticks)):
        words = ("✓ " if tick else "") + textwrap.shorten(text, 36, placeholder="…")
        axis.text(0.01, place, words, va="center", fontsize=8, transform=axis.get_yaxis_transform())
        axis.text(1, place, f"{cosine:.2f}", ha="right", va="center", fontsize=7, transform=axis.get_yaxis_transform())


def _strip(axes, images, cosines, ticks):
    for axis, image, cosine, tick in zip(axes, images, cosines, ticks):
        draw_image(axis, image)
        axis.spines[:].set(visible=True, color=_RIGHT if tick else _OTHER, linewidth=2.5 if tick else 1)
        axis.set_xlabel(("✓ " if tick else "") + f"{cosine:.2f}", fontsize=8, color=_RIGHT if tick else INK, labelpad=4)
