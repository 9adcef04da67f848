"""Which pixels a classifier's decision depends on."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_between, check_counts, check_labels
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.networks import input_gradient, is_graph, predict_in_batches

__all__ = ["saliency"]


def saliency(
    classifier: keras.Model,
    images: Any,
    classes: Any = None,
    noise: float = 0.0,
    draws: int = 25,
    seed: int = 0,
    batch_size: int = 64,
) -> np.ndarray:
    """Return how strongly the score of a class changes with each pixel: the size of its gradient.

    It says what the score depends on near this image, not why: such maps are noisy, and those of a random network may
    look alike. It needs TensorFlow or JAX.

    Args:
        classifier: Functional `keras.Model` from images to one row of class scores or probabilities each, such as
            `transfer.classifier` or `transfer.fine_tune` returns.
        images: `data.Source` or float array `(n, height, width, channels)` in 0..1.
        classes: Integer array `(n,)`, the class of each image whose score is taken. Default: None, the predicted one.
        noise: Standard deviation of the noise of SmoothGrad, in parts of the range of an image's values, at least 0.
            The paper takes 0.1 to 0.2. Default: 0, the plain gradient.
        draws: With noise, the number of noisy copies whose gradients are averaged. Default: 25; the paper finds little
            gain above 50.
        seed: Seed of the noise. Default: 0.
        batch_size: Images at a time. Default: 64.

    Returns:
        Float32 array `(n, height, width)`, at least 0: the largest absolute value of the gradient over channels, for
        `figures.plots.saliency`.

    Raises:
        UserError: If the images do not fit the classifier, it does not return one row for each, a class is out of
            range, or a number is.

    Reference:
        Simonyan et al. 2014, "Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency
        Maps", section 3.1; Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise", section 3.

    Departures:
        The score is the one before the softmax, as in the paper, if the last layer is dense with a softmax; of any
        other model it is the output itself.
    """
    check_between("noise", noise, least=0)
    check_counts(draws=draws, batch_size=batch_size)
    source = as_source(images, classifier)
    shape = classifier.output_shape if is_graph(classifier) else None
    if source.kind != "image" or not (isinstance(shape, tuple) and len(shape) == 2):
        raise UserError(
            "a functional classifier of images, with one row of scores for each",
            f"{source.plural}, and a {type(classifier).__name__} with outputs of shape {shape}",
            "give a model such as `transfer.classifier` builds",
        )
    if classes is not None:
        check_labels(classes, len(source), shape[1], "classes")
    scores, rng, maps = _scores(classifier), np.random.default_rng(seed), []
    for begin in range(0, len(source), batch_size):
        rows = np.arange(begin, min(begin + batch_size, len(source)))
        x = np.asarray(source.inputs(rows))
        chosen = predict_in_batches(classifier, x).argmax(-1) if classes is None else np.asarray(classes)[rows]
        one_hot = np.eye(shape[1], dtype="float32")[chosen]
        gradient = _gradient(lambda at, one_hot=one_hot: ops.sum(one_hot * scores(at)), x, noise, draws, rng)
        maps.append(np.abs(gradient).max(axis=-1))
    return np.concatenate(maps).astype("float32")


def _gradient(score, x, noise, draws, rng):
    """The gradient of a score at images, or its mean over noisy copies of them."""
    if not noise:
        return ops.convert_to_numpy(input_gradient(score, x))
    scale = noise * np.ptp(x, axis=(1, 2, 3), keepdims=True)
    noisy = (x + scale * rng.standard_normal(x.shape, "float32") for _ in range(draws))
    return sum(ops.convert_to_numpy(input_gradient(score, at)) for at in noisy) / draws


def _scores(classifier):
    """A function from images to the scores before the softmax, or to the outputs if there is no dense softmax layer."""
    head = classifier.layers[-1]
    if not isinstance(head, keras.layers.Dense) or head.activation is not keras.activations.softmax:
        return lambda images: ops.cast(classifier(images, training=False), "float32")
    features = keras.Model(classifier.input, head.input)

    def scores(images):
        h = ops.cast(features(images, training=False), "float32")
        return ops.matmul(h, ops.cast(head.kernel, "float32")) + (
            ops.cast(head.bias, "float32") if head.use_bias else 0
        )

    return scores
