"""Boxes around objects, and their formats, which are named as in KerasCV."""

from typing import Any

import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["FORMATS", "convert", "iou"]

FORMATS = ("xyxy", "xywh", "center_xywh", "rel_xyxy")
"""Left, top, right and bottom; left, top, width and height; center, width and height: all in pixels. "rel_xyxy" is as
"xyxy" in 0..1, fractions of the width and the height. The right and bottom edges are exclusive: a box of the pixel in
the upper left corner is (0, 0, 1, 1)."""


def convert(boxes: Tensor, source: str, target: str, image_shape: Any = None) -> Tensor:
    """Return boxes in another format.

    Args:
        boxes: Array or tensor `(…, 4)`.
        source: Their format, one of `FORMATS`.
        target: The format wanted.
        image_shape: `(height, width, …)` of the images in pixels, which only conversions between "rel_xyxy" and another
            format need. Default: None.

    Returns:
        Array or tensor `(…, 4)`; an array if `boxes` is one, or a list.

    Raises:
        UserError: If there is no such format, an image shape is missing, or the last axis does not have size 4.
    """
    for name in (source, target):
        if name not in FORMATS:
            raise UserError(f"a format of boxes among {', '.join(FORMATS)}", repr(name), "choose one of these")
    boxes = boxes if hasattr(boxes, "shape") else np.asarray(boxes, "float32")
    if not len(boxes.shape) or boxes.shape[-1] != 4:
        raise UserError("boxes (…, 4)", f"shape {tuple(boxes.shape)}", "give four numbers for each box")
    if source == target:
        return boxes
    height, width = 1, 1
    if "rel_xyxy" in (source, target):
        if image_shape is None:
            raise UserError("the size of the images, to convert from or to 'rel_xyxy'", "none", "give `image_shape`")
        height, width = image_shape[:2]
    stack = np.stack if isinstance(boxes, np.ndarray) else ops.stack
    left, top, right, bottom = _corners(boxes, source, height, width)
    return stack(_from_corners(left, top, right, bottom, target, height, width), -1)


def _corners(boxes, source, height, width):
    a, b, c, d = (boxes[..., k] for k in range(4))
    if source == "rel_xyxy":
        return a * width, b * height, c * width, d * height
    if source == "xywh":
        return a, b, a + c, b + d
    if source == "center_xywh":
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return a, b, c, d


def _from_corners(left, top, right, bottom, target, height, width):
    if target == "rel_xyxy":
        return left / width, top / height, right / width, bottom / height
    if target == "xywh":
        return left, top, right - left, bottom - top
    if target == "center_xywh":
        return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    return left, top, right, bottom


def iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each box with each other one.

    Args:
        one: Array `(n, 4)` in "xyxy" or "rel_xyxy".
        other: Array `(m, 4)` in the same format.

    Returns:
        Float64 array `(n, m)` in 0..1; 0 where a box has no area.
    """
    one, other = np.asarray(one, "float64")[:, None], np.asarray(other, "float64")[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.prod(np.maximum(sides, 0), axis=-1)
    area = [np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1) for boxes in (one, other)]
    return shared / np.maximum(area[0] + area[1] - shared, 1e-12)
