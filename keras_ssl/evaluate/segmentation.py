"""Scores of segmented images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_counts
from keras_ssl.errors import UserError
from keras_ssl.evaluate.metrics import distinct_names

__all__ = ["segmentation_scores"]


def segmentation_scores(
    masks: Any, predictions: Any, classes: int | None = None, names: Sequence[str] | None = None
) -> dict[str, Any]:
    """Score predicted classes of pixels by the confusion matrix of all pixels that have a label.

    Args:
        masks: Integer array `(n, height, width)` of true classes, -1 = no label. Other marks, such as the 255 of Pascal
            VOC, would count as classes: `np.where(masks == 255, -1, masks.astype("int32"))`.
        predictions: Integer array of the same shape, such as `segmenter.predict(images).argmax(-1)`.
        classes: Number of classes. Default: the highest one that occurs, plus one.
        names: Name of each class. Default: its number.

    Returns:
        Dict of "accuracy", the share of pixels that are right; "mean_iou" and "mean_dice", averaged over the classes
        that are in the masks or the predictions; and "classes", by name of those classes a dict of "iou",
        `TP / (TP + FP + FN)`, "dice", `2 TP / (2 TP + FP + FN)`, and "count", the number of pixels in the masks.

    Raises:
        UserError: If shapes differ, no pixel has a label, or a class is out of range or has no name.

    Reference:
        Everingham et al. 2015, "The Pascal Visual Object Classes Challenge: A Retrospective", for the IoU of the
        segmentation challenge; Dice 1945, "Measures of the Amount of Ecologic Association Between Species".
    """
    masks, predictions = as_array(masks, "masks"), as_array(predictions, "predictions")
    if masks.ndim != 3 or masks.shape != predictions.shape or {masks.dtype.kind, predictions.dtype.kind} - {*"iu"}:
        raise UserError(
            "masks and predictions as integers (n, height, width)",
            f"{masks.dtype} {masks.shape} and {predictions.dtype} {predictions.shape}",
            "take the most probable class of each pixel: `segmenter.predict(images).argmax(-1)`",
        )
    known = masks != -1
    true, predicted = masks[known].astype("int64"), predictions[known].astype("int64")
    if not len(true):
        raise UserError("at least one pixel with a label", "-1 alone", "give the masks of the images")
    classes = len(names) if classes is None and names is not None else classes
    classes = int(max(true.max(), predicted.max())) + 1 if classes is None else classes
    check_counts(classes=classes)
    names = [str(k) for k in range(classes)] if names is None else distinct_names(names)
    lowest, highest = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    if lowest < 0 or highest >= classes or len(names) != classes:
        raise UserError(
            f"class numbers in 0..{classes - 1}, each with a name",
            f"{lowest}..{highest}, and {len(names)} names",
            "number the classes from 0; -1 is no label, in masks only",
        )
    counts = np.bincount(classes * true + predicted, minlength=classes**2).reshape(classes, classes)
    right, of_true, of_predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    found = {
        names[k]: {
            "iou": float(right[k] / (of_true[k] + of_predicted[k] - right[k])),
            "dice": float(2 * right[k] / (of_true[k] + of_predicted[k])),
            "count": int(of_true[k]),
        }
        for k in np.flatnonzero(of_true + of_predicted)
    }
    means = {f"mean_{key}": float(np.mean([one[key] for one in found.values()])) for key in ("iou", "dice")}
    return {"accuracy": float(right.sum() / counts.sum()), **means, "classes": found}
