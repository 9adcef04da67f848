"""Honest figures for an encoder: nearest neighbours, a linear probe, few labels beside baselines, collapse."""

from keras_ssl.evaluate import plots
from keras_ssl.evaluate.collapse import collapse
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.label_efficiency import LabelEfficiency, label_counts, label_efficiency, reinitialised
from keras_ssl.evaluate.metrics import scores
from keras_ssl.evaluate.probes import fit_nearest, knn, linear_probe

__all__ = [
    "LabelEfficiency",
    "collapse",
    "embed",
    "fit_nearest",
    "knn",
    "label_counts",
    "label_efficiency",
    "linear_probe",
    "plots",
    "reinitialised",
    "scores",
]
