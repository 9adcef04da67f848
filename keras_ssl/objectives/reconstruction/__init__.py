"""Objectives that rebuild their input from its representation."""

from keras_ssl.objectives.reconstruction.autoencoder import Autoencoder
from keras_ssl.objectives.reconstruction.denoising import DenoisingAutoencoder
from keras_ssl.objectives.reconstruction.sparse import SparseAutoencoder
from keras_ssl.objectives.reconstruction.variational import VariationalAutoencoder

__all__ = ["Autoencoder", "DenoisingAutoencoder", "SparseAutoencoder", "VariationalAutoencoder"]
