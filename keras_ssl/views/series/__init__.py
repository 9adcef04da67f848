"""Views of series, `(n, time, channels)`: operations, and a policy made of them. NaN, a missing value, stays."""

from keras_ssl.views.series.frequencies import mask_frequencies, mix_frequencies
from keras_ssl.views.series.policies import time_series
from keras_ssl.views.series.time import random_window, time_warp
from keras_ssl.views.series.values import jitter, rescale

__all__ = [
    "jitter",
    "mask_frequencies",
    "mix_frequencies",
    "random_window",
    "rescale",
    "time_series",
    "time_warp",
]
