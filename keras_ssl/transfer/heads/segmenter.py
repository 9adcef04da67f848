"""A head that gives each pixel a class."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from keras_ssl.checks import as_array, check_between
from keras_ssl.decoders import top_down
from keras_ssl.errors import UserError
from keras_ssl.transfer.checking import CheckTargets, with_checked_fit
from keras_ssl.transfer.heads.dense_maps import dense_maps
from keras_ssl.transfer.missing import ignored_class
from keras_ssl.trees import count

__all__ = ["segmenter"]


def segmenter(
    encoder: keras.Model, classes: int, names: Sequence[str] | None = None, width: int = 64, name: str = "segmenter"
) -> keras.Model:
    """Build a network that segments images: an encoder's feature maps, a small decoder, and a softmax of each pixel.

    The part of the encoder that computes the maps is nested as one layer under its name, so that `transfer.freeze`
    freezes it. `decoders.top_down` merges the maps. The scores of the finest one are enlarged to the size of the image.
    `fit` checks images and masks, as `transfer.classifier` does.

    Args:
        encoder: Functional or built sequential `keras.Model` of images of a fixed size. It is shared, not copied; what
            it does after its last map is not used.
        classes: Number of classes, at least 2, that of the background among them.
        names: Names or paths of the layers whose maps are used; see `encoders.features`. Default: None, the last map of
            each resolution.
        width: Channels of the decoder. Default: 64; see `decoders.top_down`.
        name: Name of the model. Default: "segmenter".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `probabilities` `(n, height, width, classes)` in
        float32, of the size of the images, not compiled. Compile it with the loss "sparse_categorical_crossentropy";
        pixels without a label are -1 for `losses.WhereKnown("sparse_categorical_crossentropy")`.

    Raises:
        UserError: If there are fewer than 2 classes, the encoder is not of images of a fixed size, it has no such maps,
            or its weights are not finite; from `fit`, if images or masks cannot be trained on.

    Reference:
        Lin et al. 2017, "Feature Pyramid Networks for Object Detection", section 3; Kirillov et al. 2019, "Panoptic
        Feature Pyramid Networks", section 3, for segmentation from it.

    Example:
        `model = transfer.segmenter(encoder, classes=11)`, `model.compile("adam", "sparse_categorical_crossentropy")`,
        `model.fit(images, masks)`, where `masks` are integers `(n, height, width)`
    """
    check_between("classes", classes, least=2, whole=True)
    inputs, maps = dense_maps(encoder, names, "a segmenter")
    size = inputs.shape[1:3]
    scores = layers.Conv2D(classes, 1, dtype="float32", name="scores")(top_down(maps, width))
    if scores.shape[1:3] != size:
        rows, columns = size
        enlarge = layers.Resizing(rows, columns, interpolation="bilinear", dtype="float32", name="enlarged_scores")
        scores = enlarge(scores)
    outputs = layers.Softmax(dtype="float32", name="probabilities")(scores)
    return with_checked_fit(keras.Model(inputs, outputs, name=name), _check_masks(classes, size))


def _check_masks(classes, size) -> CheckTargets:
    def check(model, x, y, whole):
        masks = as_array(y, "masks")
        wanted = (count(x), *size)
        if masks.shape != wanted or masks.dtype.kind not in "iu":
            raise UserError(
                f"masks as integers of shape {wanted}, a class number for each pixel",
                f"dtype {masks.dtype}, shape {masks.shape}",
                _advice(masks, wanted),
            )
        labeled = masks != ignored_class(model)  # all, if that is None
        outside = ((masks < 0) | (masks >= classes)) & labeled
        if outside.any():
            at = tuple(int(k) for k in np.argwhere(outside)[0])
            raise UserError(
                f"masks of class numbers in 0..{classes - 1}",
                f"{masks[at]} in mask {at[0]}, row {at[1]}, column {at[2]} ({outside.sum()} pixels outside in all)",
                "give the right number of classes; mark pixels without a label with -1, where they are 255 by "
                "`np.where(masks == 255, -1, masks.astype('int32'))`, and train with the loss "
                '`losses.WhereKnown("sparse_categorical_crossentropy")`',
            )
        if whole and not labeled.any():
            raise UserError("masks with labels", f"{masks.flat[0]} alone", "give a class number to some pixels")

    return check


def _advice(masks, wanted):
    """What to do about masks of another shape or dtype."""
    if masks.ndim == 4 and masks.shape[-1] == 1:
        return "take the only channel: `masks[..., 0]`"
    if masks.ndim == 4:
        return "give class numbers: `masks.argmax(-1)` makes them of one-hot masks"
    if masks.shape == wanted:
        return "convert them: `masks.astype('int64')`"
    return "resize masks to the size of the images, by the nearest pixel: between two class numbers there is no third"
