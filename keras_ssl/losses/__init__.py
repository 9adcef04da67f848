"""The mathematics of the project: pure functions of tensors that return a scalar."""

from keras_ssl.losses.contrastive import nt_xent
from keras_ssl.losses.reconstruction import absolute_error, binary_cross_entropy, squared_error

__all__ = ["absolute_error", "binary_cross_entropy", "nt_xent", "squared_error"]
