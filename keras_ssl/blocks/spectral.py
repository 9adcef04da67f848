"""Spectral normalisation of a whole network."""

import keras
from keras import layers

__all__ = ["spectrally_normalised"]


def spectrally_normalised(model):
    """A copy of a model whose convolutions and dense layers are divided by their largest singular values.

    Keras's `SpectralNormalization` estimates these by one power iteration in each training step and stores the divided
    kernels, so that gradients are those of the divided ones.

    Args:
        model: Functional `keras.Model`; it is not touched. Weights start anew.

    Returns:
        `keras.Model` of the same layers' names and shapes.

    Reference:
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", algorithm 1.
    """

    def wrapped(layer):
        copy = type(layer).from_config(layer.get_config())
        weighted = isinstance(layer, (layers.Conv1D, layers.Conv2D, layers.Dense))
        return layers.SpectralNormalization(copy, name=layer.name) if weighted else copy

    return keras.models.clone_model(model, clone_function=wrapped)
