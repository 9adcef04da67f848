"""Functions that return encoders: built functional `keras.Model`s from inputs to representations `(n, d)`.

The name of an encoder's Input says what kind of data it takes: `image`, `row` (of a table), `ids` (of text), `series`,
`audio` or `video`. `features` returns the feature maps inside of an encoder of images.
"""

from keras_ssl.encoders.audio import spectrogram_conv, spectrogram_transformer, wav2vec2
from keras_ssl.encoders.cached import cached, document_end, is_cacheable
from keras_ssl.encoders.features import features
from keras_ssl.encoders.hub import from_keras_hub
from keras_ssl.encoders.image import conv_net, mlp, resnet18
from keras_ssl.encoders.pooled import with_pool
from keras_ssl.encoders.series import dilated_conv, patch_transformer, recurrent
from keras_ssl.encoders.text import transformer
from keras_ssl.encoders.video import conv_lstm, conv_transformer, frame_conv, stacked_conv
from keras_ssl.encoders.vision_transformer import vit
from keras_ssl.encoders.word_vectors import word_vectors

__all__ = [
    "cached",
    "conv_lstm",
    "conv_net",
    "conv_transformer",
    "dilated_conv",
    "document_end",
    "features",
    "frame_conv",
    "from_keras_hub",
    "is_cacheable",
    "mlp",
    "patch_transformer",
    "recurrent",
    "resnet18",
    "spectrogram_conv",
    "spectrogram_transformer",
    "stacked_conv",
    "transformer",
    "vit",
    "wav2vec2",
    "with_pool",
    "word_vectors",
]
