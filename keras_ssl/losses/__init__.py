"""The mathematics of the project: pure functions of tensors that return a scalar."""

from keras_ssl.losses.clustering import sinkhorn, swav
from keras_ssl.losses.contrastive import dcl, info_nce, nt_xent
from keras_ssl.losses.decorrelation import barlow_twins, vicreg
from keras_ssl.losses.distillation import dino, negative_cosine
from keras_ssl.losses.reconstruction import (
    absolute_error,
    binary_cross_entropy,
    masked_squared_error,
    squared_error,
)

__all__ = [
    "absolute_error",
    "barlow_twins",
    "binary_cross_entropy",
    "dcl",
    "dino",
    "info_nce",
    "masked_squared_error",
    "negative_cosine",
    "nt_xent",
    "sinkhorn",
    "squared_error",
    "swav",
    "vicreg",
]
