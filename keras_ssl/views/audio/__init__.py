"""Views of sound: operations on recordings `(n, time)`, whose padding they leave alone, and a policy made of them."""

from keras_ssl.views.audio.policies import recordings
from keras_ssl.views.audio.spectral import spec_augment
from keras_ssl.views.audio.waveform import gain, polarity, speed, time_crop, time_shift, white_noise

__all__ = ["gain", "polarity", "recordings", "spec_augment", "speed", "time_crop", "time_shift", "white_noise"]
