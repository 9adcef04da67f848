"""How a head starts: at random, as a linear probe of the encoder, or from the mean of each class."""

from typing import Any

import keras
import numpy as np

from keras_ssl.checks import as_array, check_labels
from keras_ssl.errors import UserError
from keras_ssl.networks import predict_in_batches
from keras_ssl.transfer.checking import check_samples
from keras_ssl.transfer.finding import encoder_of
from keras_ssl.transfer.linear import fit_linear, fit_numbers
from keras_ssl.trees import count
from keras_ssl.typing import Samples

__all__ = ["HEADS", "start_from_probe", "start_from_prototypes", "start_head"]

HEADS = ("random", "probe", "prototypes")
"""How a head may start, for `start_head`."""


def start_from_probe(model: keras.Model, images: Samples, labels: Any) -> None:
    """Set the head of a model to a linear model of its encoder's representations, fitted in closed form or to its end.

    Heads of classes, as of a classifier or a tagger, become `fit_linear`; a regressor's becomes ridge regression.

    Args:
        model: Model that `transfer.classifier`, `tagger` or `regressor` built.
        images: Array `(n, …)`, or a dict of arrays: what the encoder takes.
        labels: What the model is trained on: integers `(n,)` of at least two classes, and of a tagger `(n, length)`,
            -1 where there is no label; or numbers `(n,)` or `(n, k)`, NaN where they are unknown. Classes without a
            label get weights of zero.

    Raises:
        UserError: If the images do not fit the encoder, the labels do not fit the head, or it is another head.

    Reference:
        Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution" (LP-FT): a
        random head distorts the features before it has learned to use them.
    """
    start_head(model, "probe", images, labels)


def start_from_prototypes(model: keras.Model, images: Samples, labels: np.ndarray) -> None:
    """Set the head of a model so that it chooses the class whose mean representation is nearest.

    The squared distance to a class's mean μ is, up to what all classes share, the linear function `2 μ·h - ‖μ‖²` of the
    representation h. It is divided by the mean squared distance of the samples from their class's mean, so that
    probabilities are neither all equal nor all 0 and 1. Training may go on from there.

    Args:
        model: Model from `transfer.classifier` or `tagger`.
        images: Array `(n, …)`, or a dict of arrays: what the model takes.
        labels: See `start_from_probe`; at least one of each class.

    Raises:
        UserError: If the images do not fit, a class has no sample, or it is another head.

    Reference:
        Snell, Swersky & Zemel 2017, "Prototypical Networks for Few-shot Learning", Eq. 1, and the paragraph
        "Reinterpretation as a Linear Model".

    Departures:
        The temperature; with one sample in each class it is the mean squared distance of the means from their mean.
    """
    start_head(model, "prototypes", images, labels)


def start_head(model: keras.Model, head: str, images: Samples, labels: Any, seed: int = 0) -> None:
    """Let the head of a model start at random, from a linear probe, or from the mean of each class.

    Args:
        model: See `start_from_probe`. With "random" it may have any head.
        head: "random", "probe" or "prototypes".
        images: See `start_from_probe`.
        labels: See `start_from_probe`.
        seed: Seed of a random head of one layer; others stay as they were built. Default: 0.

    Raises:
        UserError: If there is no such start, or this head has none; and those of `start_from_probe`.
    """
    if head not in HEADS:
        raise UserError(f"a head among {', '.join(HEADS)}", repr(head), "choose one of them")
    layer, scale = _layers(model)
    if head == "random":
        if layer is not None:
            layer.kernel.assign(keras.initializers.GlorotUniform(seed)(layer.kernel.shape))
            layer.bias.assign(keras.ops.zeros(layer.bias.shape))
        return
    if layer is None or (scale is not None and head == "prototypes"):
        known = "a classifier or a tagger" if head == "prototypes" else "a classifier, a tagger or a regressor"
        raise UserError(f"{known}, whose head can start so", f"'{model.name}'", 'choose a way with `head="random"`')
    images = check_samples(model, images)
    h = predict_in_batches(encoder_of(model), images).astype("float64")
    if scale is None:
        h, labels = _labeled(h, labels, count(images), layer.units)
        kernel, bias = (_probe if head == "probe" else _prototypes)(h, labels, layer.units)
    else:
        kernel, bias = fit_numbers(h, _standardized(labels, scale, count(images)))
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)


def _layers(model):
    """The dense layer of a head, and the one that gives numbers their units; None where there is no such."""
    layer, scale = model.layers[-1], None
    if isinstance(layer, keras.layers.Rescaling):
        layer, scale = model.layers[-2], layer
    kind = keras.activations.linear if scale else keras.activations.softmax
    fits = isinstance(layer, keras.layers.Dense) and layer.use_bias and layer.activation is kind
    return (layer, scale) if fits else (None, None)


def _labeled(h, labels, samples, classes):
    """Representations that have a label, of samples or of their frames, and the labels."""
    labels = as_array(labels, "labels", strings=True)
    if h.ndim == 3 and labels.shape == h.shape[:2]:
        h, labels = h[labels != -1], labels[labels != -1]
        samples = len(h)
    check_labels(labels, samples, classes, at_least=2)
    return h, labels


def _standardized(values, scale, samples):
    """Numbers `(n, k)` as the dense layer of a regressor predicts them."""
    values = as_array(values, "values")
    values = values[:, None] if values.ndim == 1 else values
    mean = np.reshape(scale.offset, -1)
    if values.shape != (samples, len(mean)) or values.dtype.kind not in "biuf":
        raise UserError(
            f"values of shape ({samples}, {len(mean)})",
            f"dtype {values.dtype}, shape {values.shape}",
            "give one for each sample, and as many columns as the regressor was built for",
        )
    return (values - mean) / np.reshape(scale.scale, -1)


def _probe(h, labels, classes):
    fitted = fit_linear(h, labels)
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # scikit-learn keeps one row for two classes
        coefficients, intercepts = np.stack([-coefficients[0], coefficients[0]]) / 2, np.array([-1, 1]) * intercepts / 2
    kernel, bias = np.zeros((h.shape[1], classes)), np.zeros(classes)
    kernel[:, fitted.classes_] = coefficients.T
    bias[fitted.classes_] = intercepts
    return kernel, bias


def _prototypes(h, labels, classes):
    if missing := sorted(set(range(classes)) - set(labels.tolist())):
        raise UserError(
            "a sample of each class", f"none of class {missing[0]}", "label one, or build it for fewer classes"
        )
    means = np.stack([h[labels == k].mean(axis=0) for k in range(classes)])
    spread = np.square(h - means[labels]).sum(axis=1).mean() or np.square(means - means.mean(axis=0)).sum(axis=1).mean()
    return 2 * means.T / max(spread, 1e-12), -np.square(means).sum(axis=1) / max(spread, 1e-12)
