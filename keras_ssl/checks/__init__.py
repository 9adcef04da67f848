"""Checks of images and labels, before anything is trained on them."""

from keras_ssl.checks.arguments import check_between, check_counts, check_method, check_probability, check_range
from keras_ssl.checks.arrays import as_array, check_dtype, check_shape, check_values
from keras_ssl.checks.images import check_images
from keras_ssl.checks.labels import check_labels

__all__ = [
    "as_array",
    "check_between",
    "check_counts",
    "check_dtype",
    "check_images",
    "check_labels",
    "check_method",
    "check_probability",
    "check_range",
    "check_shape",
    "check_values",
]
