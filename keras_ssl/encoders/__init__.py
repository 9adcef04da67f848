"""Functions that return encoders: built functional `keras.Model`s from inputs to representations `(n, d)`."""

from keras_ssl.encoders.image import conv_net, mlp, resnet18
from keras_ssl.encoders.vision_transformer import vit

__all__ = ["conv_net", "mlp", "resnet18", "vit"]
