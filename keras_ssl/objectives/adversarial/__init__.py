"""Objectives that train a discriminator against other networks."""

from keras_ssl.objectives.adversarial.adversarial import Adversarial
from keras_ssl.objectives.adversarial.bigan import BiGAN
from keras_ssl.objectives.adversarial.gan import GAN

__all__ = ["Adversarial", "BiGAN", "GAN"]
