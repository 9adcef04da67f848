"""Plots of segmented images and of detected objects."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.boxes import convert
from keras_ssl.checks import check_shape
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.grids import as_floats, draw_image, image_rows
from keras_ssl.figures.palette import CLASSES, INK, Figure

__all__ = ["detections", "segmentations"]

_MOST = 8  # images
_OPACITY = 0.6
_SIDE = 1.9  # inches of an image
_VIVID = {"#94a4a2": "#e377c2", "#717581": "#1b9e77"}  # in place of grays, which gray images hide
_COLORS = tuple(_VIVID.get(color, color) for color in CLASSES)
_BRIGHT = 400  # sum of red, green and blue, of 765, above which a color has dark text on it


def segmentations(images: np.ndarray, masks: np.ndarray, predicted: np.ndarray | None = None) -> Figure:
    """Draw images, at most eight, above the classes of their pixels: class 0 as it is, each other one in its color.

    Args:
        images: `(n, height, width, channels)` in 0..1. Any number of channels but three is averaged to gray.
        masks: Integers `(n, height, width)`, the true classes; -1, no label, as class 0.
        predicted: Integers of this shape, such as `segmenter.predict(images).argmax(-1)`, or None. Default: None.

    Returns:
        A Figure with one axes for the images, one for the true classes, and one for the predicted ones. Its label has
        the share of pixels with a label that are right.

    Raises:
        UserError: If these are not images, or shapes do not fit.
    """
    images = as_floats(images)
    check_shape(images, at_least=1)
    rows, words = {"image": images[:_MOST]}, ""
    for name, classes in (("true", masks), ("predicted", predicted)):
        if classes is None:
            continue
        classes = np.asarray(classes)
        if classes.shape != images.shape[:3] or classes.dtype.kind not in "iu":
            raise UserError(
                f"{name} classes as integers {images.shape[:3]}, one for each pixel",
                f"dtype {classes.dtype}, shape {classes.shape}",
                "give masks; `segmenter.predict(images).argmax(-1)` makes them",
            )
        rows[name] = _colored(images[:_MOST], classes[:_MOST])
    if predicted is not None:
        known = np.asarray(masks) != -1
        share = float(np.mean(np.asarray(masks)[known] == np.asarray(predicted)[known])) if known.any() else 0.0
        words = f", and the predicted ones, right at {share:.1%} of the pixels"
    figure = image_rows(rows)
    figure.set_label(f"{len(rows['image'])} images, the true classes of their pixels{words}")
    return figure


def _colored(images, classes):
    """Images in color under the colors of their classes."""
    gray = images if images.shape[-1] == 3 else np.repeat(images.mean(axis=-1, keepdims=True), 3, axis=-1)
    colors = np.array([[int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)] for color in _COLORS], "float32")
    over = (1 - _OPACITY) * gray + _OPACITY * colors[(classes - 1) % len(colors)]
    return np.where(classes[..., None] > 0, over, gray).astype("float32")


@palette.styled
def detections(
    images: np.ndarray,
    boxes: Sequence[Any],
    labels: Sequence[Any],
    scores: Sequence[Any] | None = None,
    true_boxes: Sequence[Any] | None = None,
    box_format: str = "xyxy",
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draw images, at most eight, with boxes in the colors of their classes and true boxes dashed in white.

    Args:
        images: `(n, height, width, channels)` in 0..1. Any number of channels but three is averaged to gray.
        boxes: For each image its boxes `(m, 4)`, or one array `(n, m, 4)`.
        labels: For each image the class numbers of its boxes, or one array `(n, m)`; boxes of class -1 are not drawn.
        scores: For each image the scores of its boxes, which are written on them. Default: None.
        true_boxes: For each image the true boxes. Default: None.
        box_format: Format of all boxes, one of `boxes.FORMATS`. Default: "xyxy".
        class_names: Names by class number. Default: the numbers.

    Returns:
        A Figure with one axes for each image.

    Raises:
        UserError: If these are not images, or numbers of images or boxes differ.

    Example:
        `found = detector.predict(images)`, `detections(images, found["boxes"], found["classes"], found["scores"])`
    """
    images = as_floats(images)
    check_shape(images, at_least=1)
    for name, parts in (("boxes", boxes), ("labels", labels), ("scores", scores), ("true boxes", true_boxes)):
        if parts is not None and len(parts) != len(images):
            raise UserError(f"{name} of {len(images)} images", f"those of {len(parts)}", "give them for each image")
    n = min(len(images), _MOST)
    columns = min(n, 4)
    figure = palette.figure(_SIDE * columns, _SIDE * -(-n // columns) * images.shape[1] / images.shape[2] + 0.3)
    axes = figure.subplots(-(-n // columns), columns, squeeze=False).reshape(-1)
    drawn = 0
    for k, axis in enumerate(axes):
        axis.set_axis_off()
        if k >= n:
            continue
        draw_image(axis, images[k])
        for box in [] if true_boxes is None else _corners(true_boxes[k], box_format, images):
            _rectangle(axis, box, "white", linestyle="--", linewidth=1)
        values = None if scores is None else scores[k]
        drawn += _draw_boxes(axis, _corners(boxes[k], box_format, images), labels[k], values, class_names)
    if true_boxes is not None:
        figure.suptitle("dashed: true boxes", x=0.01, ha="left", size=9)
    figure.set_label(f"{n} images with {drawn} boxes")
    return figure


def _corners(boxes, box_format, images):
    return convert(np.asarray(boxes, "float64").reshape(-1, 4), box_format, "xyxy", images.shape[1:3])


def _draw_boxes(axis, boxes, labels, scores, class_names):
    """Draw the boxes of an image, and return how many there are."""
    numbers = np.asarray(labels).reshape(-1).astype(int)
    if len(numbers) != len(boxes) or (scores is not None and len(scores) != len(boxes)):
        raise UserError("a class and a score for each box", f"{len(numbers)} for {len(boxes)}", "give one of each")
    for m in np.flatnonzero(numbers >= 0):
        color = _COLORS[numbers[m] % len(_COLORS)]
        _rectangle(axis, boxes[m], color, linewidth=1.6)
        words = str(numbers[m]) if class_names is None else class_names[numbers[m]]
        words += "" if scores is None else f" {float(scores[m]):.2f}"
        _write(axis, boxes[m], words, color)
    return int((numbers >= 0).sum())


def _write(axis, box, words, color):
    """Write on the upper edge of a box: inside of it near the top of the image, and to the left near its right edge."""
    left, top, right, _ = box
    (_, width), (height, _) = axis.get_xlim(), axis.get_ylim()
    x, side = (left, "left") if left < 0.6 * width else (min(right, width), "right")
    y, edge = (top, "bottom") if top > 0.15 * height else (max(top, 0), "top")
    bright = sum(int(color[k : k + 2], 16) for k in (1, 3, 5)) > _BRIGHT
    style = {"color": INK if bright else "white", "size": 7, "bbox": {"color": color, "pad": 0.6}}
    axis.text(x, y, words, ha=side, va=edge, **style)


def _rectangle(axis, box, color, **style):
    from matplotlib.patches import Rectangle

    left, top, right, bottom = box
    axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=color, **style))
