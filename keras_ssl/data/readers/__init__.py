"""Readers of sets, one module for each kind of place that they come from."""

from keras_ssl.data.readers.array_files import array_file, load_arrays
from keras_ssl.data.readers.captions import captions_file, load_captioned
from keras_ssl.data.readers.contents import contents, listed_kind
from keras_ssl.data.readers.digits import load_digits
from keras_ssl.data.readers.image_folders import load_folder
from keras_ssl.data.readers.named_sets import load_named, load_named_texts
from keras_ssl.data.readers.series_files import load_series, series_file
from keras_ssl.data.readers.sound_sets import load_sounds
from keras_ssl.data.readers.split_folders import split_file, splits_of
from keras_ssl.data.readers.text_files import pieces
from keras_ssl.data.readers.text_sets import load_text_file, load_text_folder
from keras_ssl.data.readers.text_tables import first_record

__all__ = [
    "array_file",
    "captions_file",
    "contents",
    "first_record",
    "listed_kind",
    "load_arrays",
    "load_captioned",
    "load_digits",
    "load_folder",
    "load_named",
    "load_named_texts",
    "load_series",
    "load_sounds",
    "load_text_file",
    "load_text_folder",
    "pieces",
    "series_file",
    "split_file",
    "splits_of",
]
