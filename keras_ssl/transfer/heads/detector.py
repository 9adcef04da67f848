"""A head that finds objects and their boxes."""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from keras_ssl.blocks import PeakBoxes
from keras_ssl.boxes import FORMATS
from keras_ssl.checks import as_array, check_between, check_boxes, check_counts, described
from keras_ssl.decoders import top_down
from keras_ssl.errors import UserError
from keras_ssl.transfer.checking import CheckTargets, with_checked_fit
from keras_ssl.transfer.heads.dense_maps import dense_maps

__all__ = ["detector"]

_PRIOR = 0.01  # probability of a center in a cell before training; Lin et al. 2017, "Focal Loss", section 4.1


def detector(
    encoder: keras.Model,
    classes: int,
    names: Sequence[str] | None = None,
    stride: int = 4,
    count: int = 100,
    threshold: float = 0.05,
    box_format: str = "xyxy",
    width: int = 64,
    name: str = "detector",
) -> keras.Model:
    """Build a network that detects objects as points: a heatmap of centers for each class, and a size at each center.

    As in `transfer.segmenter`, the part of the encoder that computes the feature maps is nested under its name, and
    `decoders.top_down` merges the maps. There are no anchors and no suppression of overlapping boxes: the boxes are
    those at the peaks of the heatmap, which is part of the model, so that an export returns them. Compile it with the
    loss `{"maps": losses.CenterLoss()}` and fit it on `transfer.box_labels`. `fit` checks images and labels, as
    `transfer.classifier` does.

    Args:
        encoder: Functional or built sequential `keras.Model` of images of a fixed size. It is shared, not copied.
        classes: Number of classes, at least 1; there is none of the background.
        names: See `transfer.segmenter`.
        stride: Pixels along the side of a cell of the heatmap, at least: finer maps are not used, unless all are finer;
            then the coarsest is used. Two objects whose centers are in one cell are found as one. Default: 4, the
            paper's.
        count: Largest number of boxes of an image. Default: 100, the paper's.
        threshold: Boxes with a lower score are left out. Default: 0.05, as in Lin et al. 2017, "Focal Loss for Dense
            Object Detection", section 4.
        box_format: Format of the boxes that the model returns, one of `boxes.FORMATS`. Default: "xyxy", in pixels.
        width: Channels of the decoder. Default: 64; see `decoders.top_down`.
        name: Name of the model. Default: "detector".

    Returns:
        Functional `keras.Model` from inputs like the encoder's, not compiled, to a dict of `boxes` `(n, count, 4)`,
        `scores` `(n, count)`, `classes` `(n, count)`, int32 and -1 where there is no box, and `maps`
        `(n, rows, columns, classes + 4)`, which the loss takes.

    Raises:
        UserError: If an argument is out of its range, the encoder is not of images of a fixed size, it has no such
            maps, or its weights are not finite; from `fit`, if images or labels cannot be trained on.

    Reference:
        Zhou et al. 2019, "Objects as Points", section 3 (the maps), Eqs. 1 to 4 (the loss) and section 4 (the boxes).

    Departures:
        Places and sizes are those of cells, not of pixels, and a cell has one box. See `losses.center_targets` for the
        targets.

    Example:
        `model = transfer.detector(encoder, classes=10)`, `model.compile("adam", {"maps": losses.CenterLoss()})`,
        `model.fit(images, transfer.box_labels(boxes, labels, image_shape=(64, 64)))`, `model.predict(images)["boxes"]`
    """
    check_counts(classes=classes, stride=stride, count=count)
    check_between("threshold", threshold, least=0, most=1)
    if box_format not in FORMATS:
        raise UserError(f"a format of boxes among {', '.join(FORMATS)}", repr(box_format), "choose one of these")
    inputs, maps = dense_maps(encoder, names, "a detector")
    size = inputs.shape[1:3]
    coarse = [one for one in maps if min(size[k] / one.shape[k + 1] for k in (0, 1)) > stride - 1] or maps[-1:]
    x = top_down(coarse, width)
    x = layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer="he_normal", name="hidden")(x)
    rare = keras.initializers.Constant(-math.log((1 - _PRIOR) / _PRIOR))
    centers = layers.Conv2D(classes, 1, bias_initializer=rare, dtype="float32", name="centers")(x)
    geometry = layers.Conv2D(4, 1, dtype="float32", name="geometry")(x)
    outputs = layers.Concatenate(dtype="float32", name="maps")([centers, geometry])
    found = PeakBoxes(size, count, threshold, box_format, name="peaks")(outputs)
    return with_checked_fit(keras.Model(inputs, {**found, "maps": outputs}, name=name), _check_boxes(classes))


def _check_boxes(classes) -> CheckTargets:
    def check(model, x, y, whole):
        given = isinstance(y, dict) and set(y) == {"maps"}
        labels = as_array(y["maps"], "boxes") if given else np.zeros(0)
        if labels.ndim != 3 or labels.shape[::2] != (len(np.asarray(x)), 5) or labels.dtype.kind not in "iuf":
            raise UserError(
                f"a dict of 'maps', boxes with classes ({len(np.asarray(x))}, m, 5)",
                f"dtype {labels.dtype}, shape {labels.shape}" if given else described(y),
                "make them: `transfer.box_labels(boxes, labels, image_shape=(height, width))`",
            )
        numbers = labels[..., 4]
        if not np.isin(numbers, np.arange(-1, classes)).all():
            k = np.argwhere(~np.isin(numbers, np.arange(-1, classes)))[0]
            raise UserError(
                f"class numbers of boxes in 0..{classes - 1}, and -1 for padding",
                f"{numbers[tuple(k)]:g} in image {k[0]}, box {k[1]}",
                "give the right number of classes",
            )
        if whole and (numbers == -1).all():
            raise UserError("at least one box", "none", "give images with objects, too")
        for k in range(len(labels)):
            check_boxes(labels[k, numbers[k] >= 0, :4], (1, 1), "rel_xyxy", f"boxes of image {k}")

    return check
