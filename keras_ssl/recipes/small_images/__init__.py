"""Recipes for images of up to 64x64 pixels: MNIST, Fashion-MNIST, CIFAR-10 and other sets of their size."""

from keras_ssl.recipes.small_images.adversarial import bigan, gan
from keras_ssl.recipes.small_images.joint_embedding import (
    barlow_twins,
    byol,
    dino,
    moco,
    nnclr,
    simclr,
    simsiam,
    swav,
    vicreg,
)
from keras_ssl.recipes.small_images.masked import inpainting, masked_autoencoder
from keras_ssl.recipes.small_images.pretext import attributes, flip, jigsaw, rotation
from keras_ssl.recipes.small_images.reconstruction import (
    autoencoder,
    bottleneck_autoencoder,
    deep_dense_autoencoder,
    denoising_autoencoder,
    dense_autoencoder,
    sparse_autoencoder,
    variational_autoencoder,
)

__all__ = [
    "attributes",
    "autoencoder",
    "barlow_twins",
    "bigan",
    "bottleneck_autoencoder",
    "byol",
    "deep_dense_autoencoder",
    "denoising_autoencoder",
    "dense_autoencoder",
    "dino",
    "flip",
    "gan",
    "inpainting",
    "jigsaw",
    "masked_autoencoder",
    "moco",
    "nnclr",
    "rotation",
    "simclr",
    "simsiam",
    "sparse_autoencoder",
    "swav",
    "variational_autoencoder",
    "vicreg",
]
