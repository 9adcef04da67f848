"""Readers of image sets, one module for each kind of place that they come from."""

from keras_ssl.data.readers.array_files import array_file, load_arrays
from keras_ssl.data.readers.digits import load_digits
from keras_ssl.data.readers.image_folders import load_folder, splits_of
from keras_ssl.data.readers.named_sets import load_named

__all__ = ["array_file", "load_arrays", "load_digits", "load_folder", "load_named", "splits_of"]
