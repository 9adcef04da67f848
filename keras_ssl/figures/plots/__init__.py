"""Plots of an evaluation: each function returns a `matplotlib.figure.Figure` that pyplot does not manage.

A figure's label (`figure.get_label()`) describes it in words, for use as alternative text on a page.
"""

from keras_ssl.figures.plots.classification import (
    class_scores,
    confident_mistakes,
    confusion_matrix,
    reliability_diagram,
)
from keras_ssl.figures.plots.dense import detections, segmentations
from keras_ssl.figures.plots.embeddings import embedding_maps, map_2d
from keras_ssl.figures.plots.label_efficiency import label_efficiency_curves
from keras_ssl.figures.plots.reconstructions import reconstructions
from keras_ssl.figures.plots.retrieval import nearest
from keras_ssl.figures.plots.saliency import saliency
from keras_ssl.figures.plots.series import anomalies, forecasts, imputations, series_rows
from keras_ssl.figures.plots.sounds import spectrograms
from keras_ssl.figures.plots.training import fine_tuning_curves, learning_curves, learning_rates
from keras_ssl.figures.plots.videos import frames

__all__ = [
    "anomalies",
    "class_scores",
    "confident_mistakes",
    "confusion_matrix",
    "detections",
    "embedding_maps",
    "fine_tuning_curves",
    "forecasts",
    "frames",
    "imputations",
    "label_efficiency_curves",
    "learning_curves",
    "learning_rates",
    "map_2d",
    "nearest",
    "reconstructions",
    "reliability_diagram",
    "saliency",
    "segmentations",
    "series_rows",
    "spectrograms",
]
