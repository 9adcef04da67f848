"""Pretraining objectives: Keras models that train an encoder without labels. One file per mechanism."""

from keras_ssl.objectives.contrastive import SimCLR
from keras_ssl.objectives.objective import Objective
from keras_ssl.objectives.reconstruction import Autoencoder

__all__ = ["Autoencoder", "Objective", "SimCLR"]
