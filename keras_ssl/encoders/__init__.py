"""Plain functions that return built functional `keras.Model`s: input in, representation `(n, d)` out."""

from keras_ssl.encoders.image import conv_net, mlp, resnet18
from keras_ssl.encoders.vision_transformer import vit

__all__ = ["conv_net", "mlp", "resnet18", "vit"]
