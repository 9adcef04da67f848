"""Keras callbacks that guard, resume, probe and show training."""

from keras_ssl.callbacks.collapse import CollapseDoctor, CollapseWarning
from keras_ssl.callbacks.guard import Guard
from keras_ssl.callbacks.interrupts import Interrupted
from keras_ssl.callbacks.label_free import LabelFree
from keras_ssl.callbacks.probes import KNNProbe, LinearProbe
from keras_ssl.callbacks.progress import Progress
from keras_ssl.callbacks.resume import Resume
from keras_ssl.callbacks.samples import SampleGrid

__all__ = [
    "CollapseDoctor",
    "CollapseWarning",
    "Guard",
    "Interrupted",
    "KNNProbe",
    "LabelFree",
    "LinearProbe",
    "Progress",
    "Resume",
    "SampleGrid",
]
