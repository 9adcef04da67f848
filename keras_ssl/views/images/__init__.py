"""Views of images: operations on batches `(n, height, width, channels)`, and policies made of them."""

from keras_ssl.views.images.color import color_jitter, grayscale, solarize
from keras_ssl.views.images.degradation import blur, erase, noise
from keras_ssl.views.images.geometry import affine, flip, random_resized_crop
from keras_ssl.views.images.policies import digits, natural_images

__all__ = [
    "affine",
    "blur",
    "color_jitter",
    "digits",
    "erase",
    "flip",
    "grayscale",
    "natural_images",
    "noise",
    "random_resized_crop",
    "solarize",
]
