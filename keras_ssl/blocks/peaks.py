"""From the maps of a detector to boxes."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_ssl.boxes import convert
from keras_ssl.networks import pick
from keras_ssl.typing import Tensor

__all__ = ["PeakBoxes"]

_EQUAL = 1e-5  # scores of neighbors that differ by less are both peaks
_SLOPE = 1e-3  # of the order over a whole map
_LEAST = 1e-9  # score of a box: cells that are no peaks have 0


@keras.saving.register_keras_serializable("keras_ssl")
class PeakBoxes(layers.Layer):
    """Boxes at the peaks of a heatmap of object centers, for maps as `transfer.detector` has them.

    A peak is a cell whose score is not below that of its eight neighbors. Equal scores are ordered from the upper left
    to the lower right, whatever their last digits are, so that all runtimes return the same boxes. For this, scores
    that differ by less than 0.001 may be ordered by their place, too.

    Args:
        image_shape: `(height, width)` of the images in pixels.
        count: Number of boxes for each image, with the highest scores. Where there are fewer cells, it is theirs.
            Default: 100.
        threshold: Boxes with a lower score are left out, in 0..1. Default: 0.05.
        box_format: One of `boxes.FORMATS`. Default: "xyxy".
        **kwargs: Arguments of `keras.layers.Layer`.

    Reference:
        Zhou et al. 2019, "Objects as Points", section 4, "From points to bounding boxes".

    Departures:
        A cell has one box, of its best class. Boxes are cut where the picture ends.
    """

    def __init__(
        self, image_shape: Any, count: int = 100, threshold: float = 0.05, box_format: str = "xyxy", **kwargs: Any
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.image_shape, self.count = tuple(image_shape), count
        self.threshold, self.box_format = threshold, box_format

    def call(self, maps: Tensor) -> dict[str, Tensor]:
        """Return the boxes of each image, highest scores first.

        Args:
            maps: Tensor `(n, rows, columns, classes + 4)`: logits of the classes, then the place of the center in its
                cell, x and y, and width and height in cells.

        Returns:
            Dict of `boxes` `(n, count, 4)`, `scores` `(n, count)` in 0..1 and `classes` `(n, count)`, int32. Where
            there is no box, the score is 0, the class -1 and the box all 0.
        """
        rows, columns = maps.shape[1:3]
        scores = ops.sigmoid(maps[..., :-4])
        highest = ops.max_pool(scores, 3, 1, "same")
        scores = ops.where(scores >= highest - _EQUAL, scores, 0.0)
        scores, classes = ops.top_k(scores, 1)  # of Keras's argmax ONNX lacks an operation
        cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).astype("float32")
        sides = np.array([columns, rows], "float32")
        centers, sizes = (maps[..., -4:-2] + cells) / sides, ops.relu(maps[..., -2:]) / sides
        found = ops.concatenate(
            [scores, ops.cast(classes, "float32"), centers - sizes / 2, centers + sizes / 2], axis=-1
        )
        found = ops.reshape(found, (-1, rows * columns, 6))
        slope = np.linspace(0, _SLOPE, rows * columns, dtype="float32")
        _, places = ops.top_k(found[:, :, 0] - slope, min(self.count, rows * columns))
        found = pick(found, places)
        kept = found[:, :, 0] >= max(self.threshold, _LEAST)
        boxes = convert(ops.clip(found[:, :, 2:], 0.0, 1.0), "rel_xyxy", self.box_format, self.image_shape)
        return {
            "boxes": ops.where(kept[:, :, None], boxes, 0.0),
            "scores": ops.where(kept, found[:, :, 0], 0.0),
            "classes": ops.cast(ops.where(kept, found[:, :, 1], -1.0), "int32"),
        }

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {key: getattr(self, key) for key in ("image_shape", "count", "threshold", "box_format")}
        return {**super().get_config(), **own}
