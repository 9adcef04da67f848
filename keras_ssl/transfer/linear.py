"""The linear classifier on a representation, alone and as the head of a network."""

from typing import Any

import keras
import numpy as np

from keras_ssl.checks import check_labels
from keras_ssl.networks.inference import predict_in_batches
from keras_ssl.transfer.checking import check_samples
from keras_ssl.transfer.nearest import start_from_prototypes
from keras_ssl.trees import count
from keras_ssl.typing import Samples

__all__ = ["fit_linear", "set_head", "start_from_probe", "start_head"]


def fit_linear(features: Any, labels: np.ndarray) -> Any:
    """Fit the linear classifier behind all linear-probe figures of this project.

    Args:
        features: Array `(n, d)`, or a SciPy sparse matrix.
        labels: Integer array `(n,)` of at least two classes.

    Returns:
        Fitted `sklearn.linear_model.LogisticRegression` with L2 penalty, C = 1, that takes features as they are. It is
        fitted on centered features, divided by one number so that their mean squared length is 16. Without centering,
        features that hardly differ from their mean are penalized much more: 98 % of the squared length of an untrained
        transformer's features is their mean. All features are divided by the same number because their relative scale
        carries information: standardizing each costs raw digits 3 points at 5 labels per class (measured on a fifth of
        train). Sparse features are divided by the same number and stay sparse: since the intercept is not penalized,
        the classifier is the same without centering.

    Raises:
        UserError: If there is not one class number for each row, or all are the same.
    """
    check_labels(labels, features.shape[0] if hasattr(features, "shape") else len(features), at_least=2)
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    mean, centered, length = _centered(features)
    scale = 4.0 / max(length, 1e-12)
    with threadpool_limits(1):  # on products this small, BLAS threads spend more time waiting than computing
        fitted = LogisticRegression(max_iter=1000).fit(scale * centered, labels)
    fitted.coef_ *= scale
    fitted.intercept_ -= fitted.coef_ @ mean
    return fitted


def _centered(features):
    """What was subtracted from features, the result, and their root mean squared distance from their mean."""
    if hasattr(features, "tocsr"):
        features = features.tocsr().astype("float64")
        mean = np.asarray(features.mean(axis=0)).reshape(-1)
        square = features.multiply(features).sum(axis=1).mean() - mean @ mean
        return np.zeros_like(mean), features, np.sqrt(max(square, 0.0))
    features = np.asarray(features, "float64")
    mean = features.mean(axis=0)
    centered = features - mean
    return mean, centered, np.sqrt(np.square(centered).sum(axis=1).mean())


def start_from_probe(classifier: keras.Model, images: Samples, labels: np.ndarray) -> None:
    """Set the softmax layer of a classifier to the weights of `fit_linear` on its encoder's representations.

    Args:
        classifier: Model that `transfer.classifier` built.
        images: Array `(n, …)`, or a dict of arrays: what the encoder takes.
        labels: Integer array `(n,)` of at least two classes. Classes without a label get weights of zero.

    Raises:
        UserError: If the images do not fit the encoder, or there is not one class number for each.

    Reference:
        Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution" (LP-FT): a
        random head distorts the features before it has learned to use them.
    """
    encoder, head = classifier.layers[-2:]
    images = check_samples(encoder, images)
    check_labels(labels, count(images), head.units, at_least=2)
    set_head(classifier, images, labels)


def set_head(classifier: keras.Model, images: Samples, labels: np.ndarray) -> None:
    """Do what `start_from_probe` does, with images and labels that have been checked.

    Args:
        classifier: See `start_from_probe`.
        images: See `start_from_probe`.
        labels: See `start_from_probe`.
    """
    encoder, head = classifier.layers[-2:]
    fitted = fit_linear(predict_in_batches(encoder, images), labels)
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # scikit-learn keeps one row for two classes
        coefficients, intercepts = np.stack([-coefficients[0], coefficients[0]]) / 2, np.array([-1, 1]) * intercepts / 2
    kernel, bias = np.zeros(head.kernel.shape), np.zeros(head.bias.shape)
    kernel[:, fitted.classes_] = coefficients.T
    bias[fitted.classes_] = intercepts
    head.kernel.assign(kernel)
    head.bias.assign(bias)


def start_head(classifier: keras.Model, head: str, images: Samples, labels: np.ndarray, seed: int = 0) -> None:
    """Let the head of a classifier start at random, from the linear probe, or from the mean of each class.

    Args:
        classifier: Model from `transfer.classifier`.
        head: "random", "probe" or "prototypes".
        images: See `start_from_probe`; they have been checked.
        labels: See `start_from_probe`; they have been checked.
        seed: Seed of a random head. Default: 0.
    """
    if head == "probe":
        set_head(classifier, images, labels)
    elif head == "prototypes":
        start_from_prototypes(classifier, images, labels)
    else:
        layer = classifier.layers[-1]
        layer.kernel.assign(keras.initializers.GlorotUniform(seed)(layer.kernel.shape))
        layer.bias.assign(keras.ops.zeros(layer.bias.shape))
