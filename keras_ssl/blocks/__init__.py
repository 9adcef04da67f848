"""Layers that encoders are made of."""

from keras_ssl.blocks.attention import attention, gelu, transformer
from keras_ssl.blocks.normalisation import BatchNormalization, copy_statistics, set_weights
from keras_ssl.blocks.patches import patchify, unpatchify
from keras_ssl.blocks.positions import Positions, sine_cosine
from keras_ssl.blocks.residual import residual
from keras_ssl.blocks.spectral import SpectralNormalization, spectrally_normalised

__all__ = [
    "BatchNormalization",
    "Positions",
    "SpectralNormalization",
    "attention",
    "copy_statistics",
    "gelu",
    "patchify",
    "residual",
    "set_weights",
    "sine_cosine",
    "spectrally_normalised",
    "transformer",
    "unpatchify",
]
