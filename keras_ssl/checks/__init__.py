"""Checks of images, texts and labels, before anything is trained on them."""

from keras_ssl.checks.arguments import check_between, check_counts, check_method, check_range, check_widths
from keras_ssl.checks.arrays import (
    as_array,
    as_arrays,
    check_axes,
    check_dtype,
    check_same_shape,
    check_shape,
    check_values,
    without_missing,
)
from keras_ssl.checks.boxes import check_boxes
from keras_ssl.checks.ids import check_known_length, check_not_empty
from keras_ssl.checks.images import check_images
from keras_ssl.checks.labels import check_labels
from keras_ssl.checks.not_arrays import described, instead_of_array
from keras_ssl.checks.texts import check_text, checked_texts
from keras_ssl.checks.watching import Watch

__all__ = [
    "Watch",
    "as_array",
    "as_arrays",
    "check_axes",
    "check_between",
    "check_boxes",
    "check_counts",
    "check_dtype",
    "check_images",
    "check_known_length",
    "check_labels",
    "check_method",
    "check_not_empty",
    "check_range",
    "check_same_shape",
    "check_shape",
    "check_text",
    "check_values",
    "check_widths",
    "checked_texts",
    "described",
    "instead_of_array",
    "without_missing",
]
