"""Layers, and functions that stack layers: the building blocks of encoders and heads."""

from keras_ssl.blocks.attention import attention, gelu, transformer
from keras_ssl.blocks.normalization import BatchNormalization
from keras_ssl.blocks.patches import patchify, unpatchify
from keras_ssl.blocks.positions import Positions, sine_cosine
from keras_ssl.blocks.prototypes import Prototypes
from keras_ssl.blocks.residual import residual
from keras_ssl.blocks.spectral_normalization import SpectralNormalization, spectrally_normalized

__all__ = [
    "BatchNormalization",
    "Positions",
    "Prototypes",
    "SpectralNormalization",
    "attention",
    "gelu",
    "patchify",
    "residual",
    "sine_cosine",
    "spectrally_normalized",
    "transformer",
    "unpatchify",
]
