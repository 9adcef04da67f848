"""Named recipes: objective, views, encoder and optimizer that belong together for one data set.

A recipe is a plain function of the data; what it returns is compiled and ready for `fit`. Scores are on the test split,
after the last epoch; what was chosen was chosen on a part of train. `choose` finds one by names.
"""

from keras_ssl.recipes.adversarial import bigan_small_images, gan_small_images
from keras_ssl.recipes.choosing import CLASSICAL, JOINT_EMBEDDING, UNLABELLED, choose
from keras_ssl.recipes.digits import autoencoder_digits, simclr_digits
from keras_ssl.recipes.images import autoencoder_images, joint_embedding_images
from keras_ssl.recipes.masked import inpainting_small_images, masked_autoencoder_small_images
from keras_ssl.recipes.mnist import autoencoder_mnist, simclr_mnist
from keras_ssl.recipes.pretext import (
    attributes_small_images,
    flip_small_images,
    jigsaw_small_images,
    rotation_small_images,
)
from keras_ssl.recipes.recipe import Recipe, compiled
from keras_ssl.recipes.reconstruction import (
    autoencoder_mnist_to_cifar10,
    autoencoder_small_images,
    bottleneck_autoencoder_small_images,
    deep_dense_autoencoder_small_images,
    denoising_autoencoder_small_images,
    dense_autoencoder_small_images,
    sparse_autoencoder_small_images,
    variational_autoencoder_small_images,
)
from keras_ssl.recipes.small_images import (
    barlow_twins_small_images,
    byol_small_images,
    dino_small_images,
    moco_small_images,
    nnclr_small_images,
    simclr_small_images,
    simsiam_small_images,
    swav_small_images,
    vicreg_small_images,
)

__all__ = [
    "CLASSICAL",
    "JOINT_EMBEDDING",
    "UNLABELLED",
    "Recipe",
    "attributes_small_images",
    "autoencoder_digits",
    "autoencoder_images",
    "autoencoder_mnist",
    "autoencoder_mnist_to_cifar10",
    "autoencoder_small_images",
    "barlow_twins_small_images",
    "bigan_small_images",
    "bottleneck_autoencoder_small_images",
    "byol_small_images",
    "choose",
    "compiled",
    "deep_dense_autoencoder_small_images",
    "denoising_autoencoder_small_images",
    "dense_autoencoder_small_images",
    "dino_small_images",
    "flip_small_images",
    "gan_small_images",
    "inpainting_small_images",
    "jigsaw_small_images",
    "joint_embedding_images",
    "masked_autoencoder_small_images",
    "moco_small_images",
    "nnclr_small_images",
    "rotation_small_images",
    "simclr_digits",
    "simclr_mnist",
    "simclr_small_images",
    "simsiam_small_images",
    "sparse_autoencoder_small_images",
    "swav_small_images",
    "variational_autoencoder_small_images",
    "vicreg_small_images",
]
