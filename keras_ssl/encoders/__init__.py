"""Plain functions that return built functional `keras.Model`s: input in, representation `(n, d)` out."""

from keras_ssl.encoders.image import conv_net, mlp, resnet18

__all__ = ["conv_net", "mlp", "resnet18"]
