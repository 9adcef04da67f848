"""Sets of samples, few labeled ones of them, and the batches that objectives are fitted on.

`load` (by name or folder) and `from_arrays` return a `Source`. `few` draws labeled samples from it, `targets` computes
attributes of its samples, `token_targets` those of the words of texts, and `batches` makes the data set that `fit`
takes. `texts` (by name, file or folder) returns `Texts`, and `from_texts` a `Source` of their ids; `token_stream`
writes the ids of large files for `Windows`. `videos` returns a `Source` of clips, `moving_digits` one of videos that
are drawn, `scenes` one of images that are drawn with their masks and boxes, and `pairs` and `from_pairs` one of images
with their texts.
"""

from keras_ssl.data.arrays import Arrays
from keras_ssl.data.attribute_targets import (
    COLORS,
    ORIENTATIONS,
    Targets,
    brightness,
    dominant_color,
    edge_orientation,
    targets,
)
from keras_ssl.data.batching import batches
from keras_ssl.data.contexts import Contexts
from keras_ssl.data.cooccurrences import cooccurrences
from keras_ssl.data.few_labels import few, few_indices
from keras_ssl.data.files import Files
from keras_ssl.data.joined import Joined
from keras_ssl.data.loading import load
from keras_ssl.data.moving_digits import MovingDigits, moving_digits
from keras_ssl.data.pair_loading import from_pairs, has_pairs, pairs
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers import splits_of
from keras_ssl.data.readers.text_files import lines
from keras_ssl.data.scenes import Scenes, scenes
from keras_ssl.data.series_preparation import SeriesPreparation
from keras_ssl.data.series_statistics import channel_statistics
from keras_ssl.data.shards import Shards
from keras_ssl.data.sound_preparation import SoundPreparation
from keras_ssl.data.source import Source, check_labeled, from_arrays
from keras_ssl.data.text_loading import texts
from keras_ssl.data.text_source import Texts, from_texts
from keras_ssl.data.token_streams import token_stream
from keras_ssl.data.token_targets import SUFFIXES, capitalized, suffix, token_targets, word_length
from keras_ssl.data.video_loading import videos
from keras_ssl.data.windows import Windows

__all__ = [
    "COLORS",
    "Arrays",
    "Contexts",
    "Files",
    "Joined",
    "MovingDigits",
    "ORIENTATIONS",
    "SUFFIXES",
    "Preparation",
    "Scenes",
    "SeriesPreparation",
    "Shards",
    "SoundPreparation",
    "Source",
    "Targets",
    "Texts",
    "Windows",
    "batches",
    "brightness",
    "capitalized",
    "channel_statistics",
    "check_labeled",
    "cooccurrences",
    "dominant_color",
    "edge_orientation",
    "few",
    "few_indices",
    "from_arrays",
    "from_pairs",
    "from_texts",
    "has_pairs",
    "lines",
    "load",
    "moving_digits",
    "pairs",
    "scenes",
    "splits_of",
    "suffix",
    "targets",
    "token_targets",
    "word_length",
    "texts",
    "token_stream",
    "videos",
]
