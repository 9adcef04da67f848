"""Layers that encoders are made of."""

from keras_ssl.blocks.normalisation import BatchNormalization
from keras_ssl.blocks.residual import residual
from keras_ssl.blocks.spectral import spectrally_normalised

__all__ = ["BatchNormalization", "residual", "spectrally_normalised"]
