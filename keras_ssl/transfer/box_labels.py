"""Boxes and classes of objects as the labels of a detector."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_boxes
from keras_ssl.errors import UserError

__all__ = ["box_labels"]


def box_labels(
    boxes: Sequence[Any], labels: Sequence[Any], image_shape: Any, box_format: str = "xyxy"
) -> dict[str, np.ndarray]:
    """Return boxes and classes as one array under the name "maps", the labels of `transfer.detector`.

    Args:
        boxes: For each image the boxes of its objects, an array `(m, 4)`, with any m, 0 among them; or one array
            `(n, m, 4)` with padding where labels are -1, as in KerasCV.
        labels: For each image the class numbers of its objects, `(m,)`; or one array `(n, m)`.
        image_shape: `(height, width, …)` of the images in pixels.
        box_format: One of `boxes.FORMATS`. Default: "xyxy".

    Returns:
        Dict of "maps", a float32 array `(n, most, 5)`: left, top, right and bottom in 0..1, and the class number. Rows
        at the end are padding, with 0 and the class -1. It is a dict because Keras takes an array of as many samples
        as a model has outputs for one label of each output.

    Raises:
        UserError: If there is not one class number for each box, or a box has no area, reaches out of its picture, or
            is not finite; the error names the image.
    """
    if len(boxes) != len(labels) or not len(boxes):
        received = f"boxes of {len(boxes)} images and classes of {len(labels)}"
        raise UserError("boxes and classes of the same images", received, "give both for each image")
    found = [_of_image(k, *pair, image_shape, box_format) for k, pair in enumerate(zip(boxes, labels))]
    padded = np.zeros((len(found), max(1, *map(len, found)), 5), "float32")
    padded[..., 4] = -1
    for row, objects in zip(padded, found):
        row[: len(objects)] = objects
    return {"maps": padded}


def _of_image(k, boxes, labels, image_shape, box_format):
    """The rows of one image without padding."""
    numbers = np.asarray(labels).reshape(-1) if np.size(labels) else np.zeros(0, int)
    if len(numbers) != len(boxes) or numbers.dtype.kind not in "iuf" or (numbers != np.round(numbers)).any():
        raise UserError(
            f"a class number for each of {len(boxes)} boxes of image {k}",
            f"dtype {numbers.dtype}, shape {numbers.shape}",
            "number the classes from 0, and give one for each box",
        )
    if (numbers < -1).any():
        raise UserError("class numbers from 0, and -1 for padding", f"{numbers.min()} in image {k}", "number them anew")
    name = f"boxes of image {k}"
    kept = as_array(boxes, name)[numbers >= 0] if len(numbers) else np.zeros((0, 4))
    corners = check_boxes(kept, image_shape, box_format, name)
    return np.concatenate([corners, numbers[numbers >= 0, None].astype("float32")], axis=1)
