"""Finding a recipe by the names of an objective and a data set."""

import functools

from keras_ssl import objectives
from keras_ssl.errors import UserError
from keras_ssl.recipes import digits, mnist, small_images
from keras_ssl.recipes.images import autoencoder_images, joint_embedding_images

__all__ = ["JOINT_EMBEDDING", "UNLABELLED", "choose"]

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

_GENERAL = {
    name: functools.partial(joint_embedding_images, objective=objective) for name, objective in JOINT_EMBEDDING.items()
} | {"autoencoder": autoencoder_images}
_SMALL = {name: getattr(small_images, f"{name}_small_images") for name in JOINT_EMBEDDING}
_NAMED = {
    "digits": {"simclr": digits.simclr_digits, "autoencoder": digits.autoencoder_digits},
    "mnist": {"simclr": mnist.simclr_mnist, "autoencoder": mnist.autoencoder_mnist},
    "fashion_mnist": _SMALL | {"autoencoder": mnist.autoencoder_mnist},
    "cifar10": _SMALL,
}


def choose(objective, dataset):
    """Return the recipe function for an objective's name and a data set's name or folder.

    Args:
        objective: "autoencoder", or a key of `JOINT_EMBEDDING`, such as "simclr" or "barlow_twins".
        dataset: A name such as "digits" or "mnist"; what has no recipe of its own gets the one for photographs.

    Returns:
        Function `(source, epochs=None, seed=0)` that returns a `Recipe`.

    Raises:
        UserError: If there is no such objective.
    """
    if objective not in _GENERAL:
        raise UserError(f"an objective among {', '.join(_GENERAL)}", repr(objective), "choose one of these")
    return _NAMED.get(str(dataset), {}).get(objective, _GENERAL[objective])
