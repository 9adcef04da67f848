"""Layers that encoders are made of."""

from keras_ssl.blocks.normalisation import BatchNormalization
from keras_ssl.blocks.residual import residual

__all__ = ["BatchNormalization", "residual"]
