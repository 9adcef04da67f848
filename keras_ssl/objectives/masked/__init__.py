"""Objectives that hide part of the input and predict it from the rest."""

from keras_ssl.objectives.masked.adversarial_inpainting import AdversarialInpainting
from keras_ssl.objectives.masked.inpainting import Inpainting
from keras_ssl.objectives.masked.masked_autoencoder import MaskedAutoencoder
from keras_ssl.objectives.masked.masked_language_model import MaskedLanguageModel

__all__ = ["AdversarialInpainting", "Inpainting", "MaskedAutoencoder", "MaskedLanguageModel"]
