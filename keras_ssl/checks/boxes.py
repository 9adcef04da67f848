"""Checks of boxes around objects."""

from typing import Any

import numpy as np

from keras_ssl.boxes import convert
from keras_ssl.checks.arrays import as_array
from keras_ssl.errors import UserError

__all__ = ["check_boxes"]

_SLACK = 1e-4  # of the picture's side: what is computed in float32 may lie outside by less


def check_boxes(boxes: Any, image_shape: Any, box_format: str = "xyxy", name: str = "boxes") -> np.ndarray:
    """Return boxes in the format "rel_xyxy", or raise unless each has an area and lies in its picture.

    Args:
        boxes: Array `(m, 4)`, or a list of m boxes; m may be 0.
        image_shape: `(height, width, …)` of the picture in pixels.
        box_format: One of `boxes.FORMATS`. Default: "xyxy".
        name: Name of the boxes in the error. Default: "boxes".

    Returns:
        Float32 array `(m, 4)` in 0..1.

    Raises:
        UserError: If they are no boxes, are not finite, have no area, or reach out of the picture.
    """
    boxes = as_array(boxes, name)
    boxes = boxes.reshape(0, 4) if not boxes.size else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype.kind not in "iuf":
        received = f"dtype {boxes.dtype}, shape {boxes.shape}"
        raise UserError(f"{name} as numbers (m, 4)", received, "give four numbers for each box of a picture")
    corners = convert(boxes.astype("float64"), box_format, "rel_xyxy", image_shape)
    if (bad := ~np.isfinite(corners).all(axis=1)).any():
        raise UserError(f"finite {name}", f"{_first(boxes, bad)}", "remove or repair it")
    if (bad := (corners[:, 2:] <= corners[:, :2]).any(axis=1)).any():
        do = f"leave it out, or check that the format is '{box_format}'"
        raise UserError(f"{name} with an area", f"{_first(boxes, bad)}", do)
    if (bad := (corners < -_SLACK).any(axis=1) | (corners > 1 + _SLACK).any(axis=1)).any():
        relative, (height, width) = box_format == "rel_xyxy", image_shape[:2]
        size = ", in 0..1" if relative else f" of {width} pixels across and {height} down"
        raise UserError(
            f"{name} inside their picture{size}",
            f"{_first(boxes, bad)}",
            f"check that the format is '{box_format}', or cut the boxes where the picture ends",
        )
    return np.clip(corners, 0, 1).astype("float32")


def _first(boxes, bad):
    k = int(np.argmax(bad))
    numbers = ", ".join(f"{value:g}" for value in boxes[k])
    return f"({numbers}) at index {k}" + (f" ({bad.sum()} such in all)" if bad.sum() > 1 else "")
