"""What turns vectors into images: mirrors of encoders and generators; and tokens into patches."""

from keras_ssl.decoders.generators import generator
from keras_ssl.decoders.mirrors import check_mirrors, mirror
from keras_ssl.decoders.patches import patches

__all__ = ["check_mirrors", "generator", "mirror", "patches"]
