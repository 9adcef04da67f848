"""Plots of what models output: reconstructions and predicted classes."""

from collections.abc import Sequence

import numpy as np

from keras_ssl.checks import check_same_shape, check_shape
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.grids import image_rows
from keras_ssl.figures.palette import INK, Figure

__all__ = ["confusion_matrix", "reconstructions"]


def reconstructions(images: np.ndarray, rebuilt: np.ndarray) -> Figure:
    """Draw images above their reconstructions, at most twelve.

    Args:
        images: `(n, height, width, channels)`, values in 0..1. Three channels are shown in color; any other number
            of channels is averaged to gray.
        rebuilt: Output of `reconstruct` for them, of the same shape; clipped to 0..1.

    Returns:
        A Figure with one axes for each of the two rows.

    Raises:
        UserError: If the shapes differ, or are not batches of images.
    """
    images, rebuilt = np.asarray(images, "float32"), np.asarray(rebuilt, "float32")
    check_shape(images, at_least=1)
    check_same_shape(images, rebuilt, do="pass the images and `autoencoder.reconstruct(images)`")
    error = float(np.mean((images - rebuilt) ** 2))
    figure = image_rows({"input": images[:12], f"rebuilt\nMSE {error:.3g}": rebuilt[:12]})
    figure.set_label(f"Images and their reconstructions, mean squared error {error:.3g} over {len(images)} images")
    return figure


@palette.styled
def confusion_matrix(
    labels: Sequence[int] | np.ndarray,
    predictions: Sequence[int] | np.ndarray,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draw counts of true against predicted classes. The color is the share of the true class; each row sums to one.

    Args:
        labels: `(n,)` true class numbers.
        predictions: `(n,)` predicted class numbers.
        class_names: Names by class number. Default: the numbers that occur.

    Returns:
        A Figure with one axes. With up to 30 classes, the cells show the counts.

    Raises:
        UserError: If the lengths differ or are zero, or a class number has no name.
    """
    from sklearn import metrics

    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1 or not len(labels):
        raise UserError("one predicted class for each label", f"shapes {predictions.shape} and {labels.shape}",
                        "pass two vectors of class numbers; `probabilities.argmax(-1)` makes them")  # fmt: skip
    present = np.unique([labels, predictions])
    if class_names is not None and (present[0] < 0 or present[-1] >= len(class_names)):
        raise UserError(f"class numbers in 0..{len(class_names) - 1}, one for each name",
                        f"{present[0]}..{present[-1]}", "give a name for every class")  # fmt: skip
    classes = present if class_names is None else np.arange(len(class_names))
    names = [str(c) for c in classes] if class_names is None else list(class_names)
    counts = metrics.confusion_matrix(labels, predictions, labels=classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.42 * len(names) + 1.6, 3.6, 8))
    figure = palette.figure(side + 0.6, side)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= 30:
        for row, column in zip(*np.nonzero(counts)):
            color = "white" if shares[row, column] > 0.5 else INK
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, size=9)
    long = max(map(len, names)) > 3
    axes.set_xticks(range(len(names)), names, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    accuracy = f"{np.trace(counts)} of {counts.sum()} right ({np.mean(labels == predictions):.1%})"
    axes.set(xlabel="predicted", ylabel="true", title=accuracy)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8).outline.set_visible(False)
    figure.set_label(f"Confusion matrix: {accuracy}")
    return figure
