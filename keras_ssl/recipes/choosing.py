"""Finding a recipe by the names of an objective and a data set."""

import functools

from keras_ssl import objectives
from keras_ssl.errors import UserError
from keras_ssl.recipes import adversarial, digits, masked, mnist, pretext, reconstruction, small_images
from keras_ssl.recipes.images import autoencoder_images, joint_embedding_images

__all__ = ["CLASSICAL", "JOINT_EMBEDDING", "UNLABELLED", "choose"]

UNLABELLED = {"mnist": "train[:20000]", "fashion_mnist": "train[:20000]", "cifar10": "train[:20000]"}
"""The part of a named data set that its recipe trains on, where that is not all of train."""

JOINT_EMBEDDING = {
    "simclr": objectives.SimCLR,
    "moco": objectives.MoCo,
    "nnclr": objectives.NNCLR,
    "byol": objectives.BYOL,
    "simsiam": objectives.SimSiam,
    "dino": objectives.DINO,
    "barlow_twins": objectives.BarlowTwins,
    "vicreg": objectives.VICReg,
    "swav": objectives.SwAV,
}
"""Joint-embedding objectives by their names on the command line."""

CLASSICAL = {
    "autoencoder": reconstruction.autoencoder_small_images,
    "bottleneck_autoencoder": reconstruction.bottleneck_autoencoder_small_images,
    "dense_autoencoder": reconstruction.dense_autoencoder_small_images,
    "deep_dense_autoencoder": reconstruction.deep_dense_autoencoder_small_images,
    "sparse_autoencoder": reconstruction.sparse_autoencoder_small_images,
    "denoising_autoencoder": reconstruction.denoising_autoencoder_small_images,
    "variational_autoencoder": reconstruction.variational_autoencoder_small_images,
    "gan": adversarial.gan_small_images,
    "bigan": adversarial.bigan_small_images,
    "masked_autoencoder": masked.masked_autoencoder_small_images,
    "inpainting": masked.inpainting_small_images,
    "rotation": pretext.rotation_small_images,
    "flip": pretext.flip_small_images,
    "jigsaw": pretext.jigsaw_small_images,
    "attributes": pretext.attributes_small_images,
}
"""Recipes of all other objectives, for images of up to 64x64 pixels, by their names on the command line."""

_ANYWHERE = CLASSICAL | {
    name: functools.partial(joint_embedding_images, objective=objective) for name, objective in JOINT_EMBEDDING.items()
}
_ANYWHERE["autoencoder"] = autoencoder_images
_SMALL = {name: getattr(small_images, f"{name}_small_images") for name in JOINT_EMBEDDING}
_NAMED = {
    "digits": {"simclr": digits.simclr_digits, "autoencoder": digits.autoencoder_digits},
    "mnist": {"simclr": mnist.simclr_mnist, "autoencoder": mnist.autoencoder_mnist},
    "fashion_mnist": _SMALL | {"autoencoder": mnist.autoencoder_mnist},
    "cifar10": _SMALL | {"autoencoder": reconstruction.autoencoder_small_images},
}


def choose(objective, dataset):
    """Return the recipe function for an objective's name and a data set's name or folder.

    Args:
        objective: A key of `JOINT_EMBEDDING` or of `CLASSICAL`, such as "simclr" or "autoencoder".
        dataset: A name such as "digits" or "mnist", or a folder. What has no recipe of its own gets one without scores:
            that for photographs of joint-embedding objectives and the autoencoder, else that for small images.

    Returns:
        Function `(source, epochs=None, seed=0)` that returns a `Recipe`.

    Raises:
        UserError: If there is no such objective.
    """
    if objective not in _ANYWHERE:
        raise UserError(f"an objective among {', '.join(_ANYWHERE)}", repr(objective), "choose one of these")
    return _NAMED.get(str(dataset), {}).get(objective, _ANYWHERE[objective])
