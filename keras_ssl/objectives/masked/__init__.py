"""Objectives that hide part of the input and predict it from the rest."""

from keras_ssl.objectives.masked.adversarial_inpainting import AdversarialInpainting
from keras_ssl.objectives.masked.imputation import Imputation
from keras_ssl.objectives.masked.inpainting import Inpainting
from keras_ssl.objectives.masked.masked_autoencoder import MaskedAutoencoder
from keras_ssl.objectives.masked.masked_language_model import MaskedLanguageModel
from keras_ssl.objectives.masked.wav2vec2 import Wav2Vec2

__all__ = ["AdversarialInpainting", "Imputation", "Inpainting", "MaskedAutoencoder", "MaskedLanguageModel", "Wav2Vec2"]
