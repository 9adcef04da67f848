"""The mathematics of the project: pure functions of tensors that return a scalar."""

from keras_ssl.losses.adversarial import gradient_penalty, non_saturating, wasserstein
from keras_ssl.losses.classification import cross_entropy
from keras_ssl.losses.clustering import sinkhorn, swav
from keras_ssl.losses.contrastive import dcl, info_nce, nt_xent
from keras_ssl.losses.decorrelation import barlow_twins, vicreg
from keras_ssl.losses.distillation import dino, negative_cosine
from keras_ssl.losses.latent import gaussian_kl, l1, sparsity_kl
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
    "cross_entropy",
    "dcl",
    "dino",
    "gaussian_kl",
    "gradient_penalty",
    "info_nce",
    "l1",
    "masked_squared_error",
    "negative_cosine",
    "non_saturating",
    "nt_xent",
    "sinkhorn",
    "sparsity_kl",
    "squared_error",
    "swav",
    "vicreg",
    "wasserstein",
]
