"""Views: random versions of images that keep what they show.

A policy is a pure function `(images, seed) -> images` of a batch, with its own random draw for each image. `digits` and
`natural_images` are ready policies; `Policy` makes one from single operations, and `from_layers` from Keras or KerasCV
layers. `time_series` is a ready policy for series, whose operations are for `Policy([…], kind="series")`, and
`recordings` one for sound `(n, time)` in -1..1, of `kind="audio"`. `pair` makes two views of each sample, `multi_crop`
adds small crops, `captioned` changes images and keeps their texts, and `twice` leaves the difference to the encoder's
dropout. Images are float32 of shape `(n, h, w, c)` in 0..1, and a seed is an integer tensor of shape `(2,)`. `preview`
shows what a policy does.
"""

from keras_ssl.views.audio.policies import recordings
from keras_ssl.views.audio.spectral import spec_augment
from keras_ssl.views.audio.waveform import gain, polarity, speed, time_crop, time_shift, white_noise
from keras_ssl.views.captioned import Captioned, captioned
from keras_ssl.views.checks import check_views
from keras_ssl.views.images.color import color_jitter, grayscale, solarize
from keras_ssl.views.images.degradation import blur, erase, noise
from keras_ssl.views.images.geometry import affine, flip, random_resized_crop
from keras_ssl.views.images.policies import digits, natural_images
from keras_ssl.views.layers import LayerPolicy, from_layers
from keras_ssl.views.multi_crop import MultiCrop, multi_crop
from keras_ssl.views.pair import Pair, Twice, pair, twice
from keras_ssl.views.policy import Policy
from keras_ssl.views.preview import preview
from keras_ssl.views.series import (
    jitter,
    mask_frequencies,
    mix_frequencies,
    random_window,
    rescale,
    time_series,
    time_warp,
)

__all__ = [
    "digits",
    "natural_images",
    "pair",
    "Pair",
    "twice",
    "Twice",
    "captioned",
    "Captioned",
    "multi_crop",
    "MultiCrop",
    "Policy",
    "from_layers",
    "LayerPolicy",
    "preview",
    "check_views",
    "random_resized_crop",
    "flip",
    "affine",
    "color_jitter",
    "grayscale",
    "blur",
    "solarize",
    "noise",
    "erase",
    "recordings",
    "gain",
    "polarity",
    "spec_augment",
    "speed",
    "time_crop",
    "time_shift",
    "white_noise",
    "jitter",
    "rescale",
    "random_window",
    "time_warp",
    "mask_frequencies",
    "mix_frequencies",
    "time_series",
]
