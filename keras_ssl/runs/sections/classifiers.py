"""Sections about a classifier."""

import keras
import numpy as np

from keras_ssl.data import Source
from keras_ssl.data.fitting import labeled
from keras_ssl.evaluate import reliability, saliency
from keras_ssl.figures import plots, report
from keras_ssl.figures.plots.classification import mistakes, surest_mistakes
from keras_ssl.networks import predict_in_batches
from keras_ssl.runs.sections.samples import pictures_or_texts, some

__all__ = ["of_classifier"]

_MATRIX, _BARS = 30, 100  # classes up to which there is a confusion matrix, and bars
_TEXTS, _MAPS = 12, 6


def of_classifier(classifier: keras.Model, test: Source, probabilities: np.ndarray) -> list[report.Section]:
    """Return scores by class, the calibration, the surest mistakes, and what decisions about images depend on.

    Args:
        classifier: `keras.Model` with one row of probabilities for each sample.
        test: Labeled `data.Source`.
        probabilities: Float array `(n, k)`, what the classifier returns for `test`.
    """
    labels, classes = labeled(test)
    names, predicted = test.class_names, probabilities.argmax(-1)
    sections = []
    if classes <= _BARS:
        text = "Precision, recall and F1 on the test split, the class of lowest F1 at the bottom."
        sections += [report.Section("Classes", text, lambda: plots.class_scores(labels, predicted, names))]
    if classes <= _MATRIX:
        text = "True against predicted classes on the test split. Colors are shares of the true class."
        draw = lambda: plots.confusion_matrix(labels, predicted, names)  # noqa: E731
        sections += [report.Section("What is taken for what", text, draw)]
    sections += [
        report.Section(
            "Can the probabilities be believed?",
            "How often predictions are right, against how sure they are. Bars below the diagonal are too sure; "
            "`evaluate.fit_temperature` mends that.",
            lambda: plots.reliability_diagram(reliability(labels, probabilities)),
        ),
        *_mistakes(test, labels, probabilities, names),
    ]
    return sections + _saliency(classifier, test, names)


def _mistakes(test, labels, p, names):
    """The surest mistakes, as a picture of images or a table of texts."""
    title = "The surest mistakes"
    text = "Wrong predictions of the highest probability. Wrong labels are often among them."
    order = surest_mistakes(labels, p)[:_TEXTS]
    if test.kind == "image":
        draw = lambda: mistakes(np.asarray(test[order].inputs()), order, labels, p, names)  # noqa: E731
        return [report.Section(title, text, draw)]
    texts = pictures_or_texts(test[order])
    if texts is None:
        return []
    rows = [[one, _name(p[k].argmax(), names), p[k].max(), _name(labels[k], names)] for k, one in zip(order, texts)]
    return [report.Section(title, text, table=report.Table(["text", "predicted", "probability", "true"], rows))]


def _saliency(classifier, test, names):
    if test.kind != "image":
        return []

    def draw():
        shown = some(test, _MAPS)
        images = np.asarray(shown.inputs())
        p = predict_in_batches(classifier, images)
        titles = [f"{_name(k, names)}: {most:.2f}" for k, most in zip(p.argmax(-1), p.max(-1))]
        return plots.saliency(images, saliency(classifier, images), titles)

    text = (
        "How strongly the score of the predicted class changes with each pixel, for some test images. Bright pixels "
        "matter most, each map on its own scale."
    )
    return [report.Section("What the decisions depend on", text, draw)]


def _name(k, names):
    return str(k) if names is None else str(names[k])
