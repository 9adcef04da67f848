"""Plots of a classifier: whether its probabilities can be believed, its classes, and its worst mistakes."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_between, check_labels, check_shape
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.grids import as_floats, draw_image
from keras_ssl.figures.palette import INK, Figure

__all__ = [
    "class_scores",
    "confident_mistakes",
    "confusion_matrix",
    "mistakes",
    "reliability_diagram",
    "surest_mistakes",
]

_BINS = ("count", "confidence", "accuracy")
_BAR, _ABOVE, _GAP = "#0072B2", "#8CC3E6", "#F0A875"
_MEASURES = {"precision": ("#0072B2", "o"), "recall": ("#E69F00", "D")}
_COLUMNS = 6


@palette.styled
def reliability_diagram(bins: Mapping[str, Any]) -> Figure:
    """Draw how often predictions are right against how sure they are, and below it how many there are of each.

    Args:
        bins: Result of `evaluate.reliability`, or a dict of them by title, such as before and after
            `evaluate.at_temperature`, which are drawn side by side.

    Returns:
        A Figure with two axes for each result. A blue bar is as high as the accuracy, light blue where it is above the
        confidence; where it is below, the gap is orange. Each title has the expected calibration error.

    Raises:
        UserError: If these are not such results.

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", Figure 1.
    """
    several = {"": bins} if set(_BINS) <= set(bins) else dict(bins)
    if not several or not all(map(_are_bins, several.values())):
        raise UserError(
            "bins with count, confidence and accuracy, and samples in them",
            f"a dict of {', '.join(map(str, bins)) or 'nothing'}",
            "give `evaluate.reliability(labels, probabilities)`, or a dict of them by title",
        )
    figure = palette.figure(max(3.6 * len(several) + 0.4, 4.8), 4.8)
    axes = figure.subplots(2, len(several), sharex=True, sharey="row", squeeze=False, height_ratios=[3, 1])
    said = [_reliability(above, below, title, one) for (above, below), (title, one) in zip(axes.T, several.items())]
    axes[0, 0].set_ylabel("accuracy")
    axes[1, 0].set_ylabel("share of samples", fontsize=8.5)
    axes[0, 0].set(xlim=(0, 1), ylim=(0, 1))
    handles, names = (above + below for above, below in zip(*(a.get_legend_handles_labels() for a in axes[:, 0])))
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=9)
    figure.set_label("Accuracy by confidence. " + "; ".join(said))
    return figure


def _are_bins(one):
    return isinstance(one, Mapping) and set(_BINS) <= set(one) and np.sum(one["count"]) > 0


def _reliability(above, below, title, bins):
    count, confidence, accuracy = (np.asarray(bins[name], "float64") for name in _BINS)
    width = 1 / len(count)
    middle, full = (np.arange(len(count)) + 0.5) * width, count > 0
    shared = np.minimum(accuracy, confidence)
    parts = {  # of bars, from the bottom up
        "accuracy": (0 * shared, shared, _BAR),
        "accuracy above the confidence": (shared, accuracy - shared, _ABOVE),
        "confidence above the accuracy": (shared, confidence - shared, _GAP),
    }
    for name, (bottom, height, color) in parts.items():
        above.bar(middle[full], height[full], width, bottom=bottom[full], color=color, edgecolor="white", label=name)
    above.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle=(0, (2, 3)))
    below.bar(middle, count / count.sum(), width, color="#9aa5b1", edgecolor="white")
    below.axvline((count * confidence).sum() / count.sum(), color="#D55E00", linewidth=1.6, label="mean confidence")
    below.axvline((count * accuracy).sum() / count.sum(), color=_BAR, linewidth=1.6, label="mean accuracy")
    error = f"ECE {(count * np.abs(accuracy - confidence)).sum() / count.sum():.3f}"
    said = f"{title}: {error}" if title else error
    above.set(title=said)
    below.set(xlabel="confidence")
    return said


@palette.styled
def class_scores(
    labels: Sequence[int] | np.ndarray,
    predictions: Sequence[int] | np.ndarray,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draw precision, recall and F1 of each class, the class of lowest F1 at the bottom.

    Args:
        labels: `(n,)` true class numbers.
        predictions: `(n,)` predicted class numbers.
        class_names: Names by class number. Default: the numbers.

    Returns:
        A Figure with one axes. Behind the name of a class stands how many samples it has.

    Raises:
        UserError: If the lengths differ or are zero, or a class number has no name.
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, predictions, present = _checked(labels, predictions, class_names)
    figures = np.array(precision_recall_fscore_support(labels, predictions, labels=present, zero_division=0))
    order = np.argsort(figures[2], kind="stable")
    names = _names(present[order], class_names)
    figure = palette.figure(6.4, 0.34 * len(order) + 1.4)
    axes = figure.subplots()
    rows = np.arange(len(order))
    axes.barh(rows, figures[2][order], 0.62, color="#d5dae0", label="F1")
    for values, (measure, (color, marker)) in zip(figures, _MEASURES.items()):
        axes.plot(values[order], rows, marker, color=color, markersize=5, label=measure)
    axes.set_yticks(rows, [f"{name}  ({int(count)})" for name, count in zip(names, figures[3][order])])
    axes.tick_params(axis="y", length=0)
    mean = f"mean F1 {figures[2].mean():.3f} over {len(order)} classes"
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.6, len(order) - 0.4), title=mean)
    axes.set_xlabel("score; number of samples in brackets")
    axes.grid(axis="x")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    lowest = f"the lowest is that of {names[0]}, {figures[2][order][0]:.3f}"
    figure.set_label(f"Precision, recall and F1 of classes: {mean}; {lowest}")
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

    labels, predictions, present = _checked(labels, predictions, class_names)
    classes = present if class_names is None else np.arange(len(class_names))
    names = _names(classes, class_names)
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


def _checked(labels, predictions, class_names):
    """Labels and predictions as arrays, and the classes among them."""
    labels, predictions = as_array(labels, "labels"), as_array(predictions, "predictions")
    for name, x in (("labels", labels), ("predictions", predictions)):
        check_labels(x, len(labels), None if class_names is None else len(class_names), name, at_least=1)
    return labels, predictions, np.unique([*labels, *predictions])


def _names(classes, class_names):
    return [str(k) if class_names is None else str(class_names[k]) for k in classes]


def confident_mistakes(
    images: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str] | None = None,
    count: int = 12,
) -> Figure:
    """Draw the images whose wrong class was predicted with the highest probability: wrong labels often are among them.

    Args:
        images: `(n, height, width, channels)`, values in 0..1. Three channels are shown in color; any other number of
            channels is averaged to gray.
        labels: `(n,)` true class numbers.
        probabilities: `(n, k)` predicted probabilities.
        class_names: Names by class number. Default: the numbers.
        count: Number of images, at least 1. Default: 12.

    Returns:
        A Figure with one axes for each mistake, the surest first. Below each image stand the predicted class, its
        probability, and the true class.

    Raises:
        UserError: If the shapes do not fit, or a class has no name.
    """
    images, p = as_floats(images), as_array(probabilities, "probabilities")
    check_shape(images, at_least=1)
    check_between("count", count, least=1, whole=True)
    if p.ndim != 2 or len(p) != len(images) or len(p[0]) > len(class_names if class_names is not None else p[0]):
        raise UserError(
            f"probabilities of {len(images)} images, and a name for each class",
            f"shape {p.shape}" + ("" if class_names is None else f" and {len(class_names)} names"),
            "give `classifier.predict(images)`, and all names or none",
        )
    check_labels(labels, len(images), p.shape[1])
    order = surest_mistakes(labels, p)[:count]
    return mistakes(images[order], order, labels, p, class_names)


@palette.styled
def mistakes(
    images: np.ndarray,
    order: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draw wrong predictions as `confident_mistakes` does, from the images of these alone.

    Args:
        images: Those at `order`, `(m, height, width, channels)`.
        order: `(m,)`, the first of `surest_mistakes`.
        labels: `(n,)` true class numbers.
        probabilities: `(n, k)` predicted probabilities.
        class_names: Names by class number. Default: the numbers.
    """
    labels, predicted = np.asarray(labels), probabilities.argmax(axis=1)
    title = f"{(predicted != labels).sum()} of {len(labels)} predictions are wrong"
    rows = -(-len(order) // _COLUMNS)
    figure = palette.figure(1.35 * min(_COLUMNS, max(len(order), 3)), 1.75 * rows + 0.45)
    figure.suptitle(title, x=0.01, ha="left", size=11.5, weight="bold")
    names = _names(range(probabilities.shape[1]), class_names)
    if len(order):
        cells = list(figure.subplots(rows, min(_COLUMNS, len(order)), squeeze=False).flat)
        for axis, image, k in zip(cells, images, order):
            _mistake(axis, image, names[predicted[k]], float(probabilities[k, predicted[k]]), names[labels[k]])
        for axis in cells[len(order) :]:
            axis.remove()
    figure.set_label(f"The surest mistakes of a classifier: {title}, of which {len(order)} are drawn")
    return figure


def surest_mistakes(labels: Sequence[int] | np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return which predictions are wrong, those of the highest probability first, as an integer array.

    Args:
        labels: `(n,)` true class numbers.
        probabilities: `(n, k)` predicted probabilities.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != np.asarray(labels))
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def _mistake(axis, image, predicted, probability, true):
    draw_image(axis, image)
    said, name = (textwrap.shorten(words, 16, placeholder="…") for words in (predicted, true))
    axis.set_xlabel(f"{said}: {probability:.3f}\ntrue: {name}", fontsize=8.5, labelpad=3)
