"""Losses of a detector of objects as points."""

from typing import Any, NamedTuple

import keras
from keras import ops

from keras_ssl import distribute
from keras_ssl.checks import check_between
from keras_ssl.networks import pick
from keras_ssl.typing import Tensor

__all__ = ["CenterLoss", "CenterTargets", "center_focal", "center_targets"]

_ALPHA, _BETA = 2.0, 4.0


class CenterTargets(NamedTuple):
    """What the maps of a detector should be.

    Attributes:
        heatmap: Tensor `(n, rows, columns, classes)` in 0..1: 1 in the cell of a center, less around it.
        cells: Integer tensor `(n, m)`: the cell of each object's center, counted row by row.
        geometry: Tensor `(n, m, 4)`: the place of each center in its cell, x and y in 0..1, and the width and the
            height of the object in cells.
        known: Tensor `(n, m)`: 1 for an object, 0 for padding.
    """

    heatmap: Tensor
    cells: Tensor
    geometry: Tensor
    known: Tensor


@keras.saving.register_keras_serializable("keras_ssl")
def center_targets(labels: Tensor, rows: int, columns: int, classes: int, spread: float = 0.54) -> CenterTargets:
    """Return the targets of objects as points: a bump `exp(-dx²/2σ² - dy²/2σ²)` for each, and the highest of them.

    Args:
        labels: Tensor `(n, m, 5)`: left, top, right and bottom in 0..1, and the class number, -1 for padding, as
            `transfer.box_labels` makes them.
        rows: Number of rows of the maps.
        columns: Number of columns.
        classes: Number of classes.
        spread: σ of a bump is `spread / 6` of the object's width, and of its height. Default: 0.54.

    Returns:
        `CenterTargets`, float32.

    Reference:
        Zhou et al. 2019, "Objects as Points", section 3; Liu et al. 2020, "Training-Time-Friendly Network for
        Real-Time Object Detection", Eq. 1 for σ, with its α = 0.54.
    """
    labels = ops.cast(labels, "float32")
    known = ops.cast(labels[..., 4] >= 0, "float32")
    sides = ops.convert_to_tensor([columns, rows], "float32")
    first, last = labels[..., :2] * sides, labels[..., 2:4] * sides
    center, size = (first + last) / 2, last - first
    cell = ops.clip(ops.floor(center), 0.0, sides - 1)  # (n, m, 2), x and y
    along = [
        _bump(ops.arange(count, dtype="float32") - cell[..., axis, None], spread / 6 * size[..., axis, None])
        for axis, count in ((0, columns), (1, rows))
    ]
    of_class = known[..., None] * ops.one_hot(ops.cast(labels[..., 4], "int32"), classes, dtype="float32")

    def with_object(k, heatmap):
        x, y, its = (ops.take(part, k, axis=1) for part in (*along, of_class))
        return ops.maximum(heatmap, y[:, :, None, None] * x[:, None, :, None] * its[:, None, None, :])

    empty = ops.zeros((ops.shape(labels)[0], rows, columns, classes), "float32")
    heatmap = ops.fori_loop(0, ops.shape(labels)[1], with_object, empty)
    cells = ops.cast(cell[..., 1] * columns + cell[..., 0], "int32")
    geometry = ops.concatenate([center - cell, size], axis=-1)
    return CenterTargets(*map(ops.stop_gradient, (heatmap, cells, geometry, known)))


def _bump(distance, sigma):
    return ops.exp(-ops.square(distance / ops.maximum(sigma, 1e-3)) / 2)


@keras.saving.register_keras_serializable("keras_ssl")
def center_focal(logits: Tensor, heatmap: Tensor) -> Tensor:
    """Focal loss of each image: `-Σ (1-p)² log p` over centers, and `-Σ (1-y)⁴ p² log(1-p)` over all other cells.

    Args:
        logits: Tensor `(n, rows, columns, classes)` of scores whose sigmoid is p.
        heatmap: Tensor of this shape, y in 0..1, exactly 1 at centers.

    Returns:
        Tensor `(n,)`, float32, at least 0.

    Reference:
        Zhou et al. 2019, "Objects as Points", Eq. 1, with its α = 2 and β = 4, before the division by the number of
        objects; Law & Deng 2018, "CornerNet", Eq. 1.
    """
    logits, heatmap = ops.cast(logits, "float32"), ops.cast(heatmap, "float32")
    p = ops.sigmoid(logits)
    at_centers = ops.power(1 - p, _ALPHA) * ops.softplus(-logits)  # -log p
    elsewhere = ops.power(1 - heatmap, _BETA) * ops.power(p, _ALPHA) * ops.softplus(logits)  # -log(1 - p)
    return ops.sum(ops.where(heatmap == 1, at_centers, elsewhere), axis=(1, 2, 3))


@keras.saving.register_keras_serializable("keras_ssl")
class CenterLoss(keras.losses.Loss):
    """The loss of `transfer.detector`: focal loss of the centers, and absolute errors of their places and sizes.

    The loss of an image is divided by the number of its objects, then averaged over the images of the global batch. So
    replicas train as one device does.

    Args:
        size_weight: Weight of errors of width and height, at least 0. Default: 0.4 for sizes in cells, which is the
            paper's 0.1 for sizes in pixels with cells of 4 pixels.
        place_weight: Weight of errors of the place of a center in its cell, at least 0. Default: 1.
        name: Name of the loss. Default: "center_loss".

    Raises:
        UserError: If a weight is not a number of at least 0.

    Reference:
        Zhou et al. 2019, "Objects as Points", Eqs. 1 to 4.

    Example:
        `model.compile("adam", {"maps": losses.CenterLoss()})`
    """

    def __init__(self, size_weight: float = 0.4, place_weight: float = 1.0, name: str = "center_loss"):
        super().__init__(name=name)
        check_between("size_weight", size_weight, least=0)
        check_between("place_weight", place_weight, least=0)
        self.size_weight, self.place_weight = size_weight, place_weight

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the mean over images, divided by the number of replicas, since Keras sums gradients over them.

        Args:
            y_true: See `call`.
            y_pred: See `call`.
            sample_weight: Tensor `(n,)` of weights of at least 0. Default: 1 for each image.

        Returns:
            Scalar, float32.
        """
        return distribute.mean(self.call(y_true, y_pred), sample_weight) / distribute.replicas()

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each image.

        Args:
            y_true: Labels `(n, m, 5)`; see `center_targets`.
            y_pred: Maps `(n, rows, columns, classes + 4)`.

        Returns:
            Tensor `(n,)`, float32.
        """
        rows, columns, channels = y_pred.shape[1:]
        target = center_targets(y_true, rows, columns, channels - 4)
        predicted = pick(ops.reshape(y_pred[..., -4:], (-1, rows * columns, 4)), target.cells)
        errors = target.known[..., None] * ops.abs(predicted - target.geometry)
        place, size = ops.sum(errors[..., :2], axis=(1, 2)), ops.sum(errors[..., 2:], axis=(1, 2))
        total = center_focal(y_pred[..., :-4], target.heatmap) + self.place_weight * place + self.size_weight * size
        return total / ops.maximum(ops.sum(target.known, axis=1), 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"size_weight": self.size_weight, "place_weight": self.place_weight, "name": self.name}
