"""Layers, and functions that stack layers: the building blocks of encoders and heads."""

from keras_ssl.blocks.attention import attention, attention_bias, gelu, scaled_dot_product, transformer
from keras_ssl.blocks.cross_attention import cross_attention, transformer_decoder
from keras_ssl.blocks.distances import MahalanobisDistance, NeighborDistance
from keras_ssl.blocks.mel import log_mel, mel_filters
from keras_ssl.blocks.normalization import BatchNormalization
from keras_ssl.blocks.patches import patchify, unpatchify
from keras_ssl.blocks.peaks import PeakBoxes
from keras_ssl.blocks.pooling import (
    attention_of_kept,
    first_of_kept,
    last_of_kept,
    max_of_kept,
    mean_of_kept,
    thirds_of_kept,
)
from keras_ssl.blocks.positions import (
    Positions,
    document_numbers,
    learned_positions,
    place_vectors,
    places,
    rotate,
    sequence_positions,
    sine_cosine,
)
from keras_ssl.blocks.prototypes import Prototypes
from keras_ssl.blocks.quantizer import GumbelQuantizer
from keras_ssl.blocks.residual import residual
from keras_ssl.blocks.spectral_normalization import SpectralNormalization, spectrally_normalized
from keras_ssl.blocks.subwords import SubwordEmbedding, subword_buckets
from keras_ssl.blocks.tables import table_rows

__all__ = [
    "BatchNormalization",
    "GumbelQuantizer",
    "MahalanobisDistance",
    "NeighborDistance",
    "PeakBoxes",
    "Positions",
    "Prototypes",
    "SpectralNormalization",
    "SubwordEmbedding",
    "attention",
    "attention_bias",
    "attention_of_kept",
    "cross_attention",
    "document_numbers",
    "first_of_kept",
    "gelu",
    "last_of_kept",
    "learned_positions",
    "log_mel",
    "max_of_kept",
    "mean_of_kept",
    "mel_filters",
    "patchify",
    "place_vectors",
    "places",
    "residual",
    "rotate",
    "scaled_dot_product",
    "sequence_positions",
    "sine_cosine",
    "spectrally_normalized",
    "subword_buckets",
    "table_rows",
    "thirds_of_kept",
    "transformer",
    "transformer_decoder",
    "unpatchify",
]
