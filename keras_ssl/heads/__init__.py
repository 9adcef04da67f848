"""Small networks on top of an encoder, which are discarded after pretraining."""

from keras_ssl.heads.discriminator import discriminator, pair_discriminator
from keras_ssl.heads.latent import gaussian
from keras_ssl.heads.linear import linear
from keras_ssl.heads.projection import predictor, projector, prototypes

__all__ = ["discriminator", "gaussian", "linear", "pair_discriminator", "predictor", "projector", "prototypes"]
