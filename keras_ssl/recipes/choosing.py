"""Finding a recipe by the names of an objective and a data set."""

import functools
from collections.abc import Callable

from keras_ssl import data, names, objectives
from keras_ssl.data.loading import is_path
from keras_ssl.errors import UserError
from keras_ssl.recipes import digits, mnist, pairs, photographs, series, small_images, speech, text, video
from keras_ssl.recipes.recipe import Recipe
from keras_ssl.specs import KINDS
from keras_ssl.typing import Path

__all__ = [
    "CLASSICAL",
    "JOINT_EMBEDDING",
    "PAIRS",
    "SERIES",
    "SPEECH",
    "TEXT",
    "UNLABELED",
    "VIDEO",
    "check_kind",
    "choose",
]

UNLABELED = {"mnist": "train[:20000]", "fashion_mnist": "train[:20000]", "cifar10": "train[:20000]"}
"""The part of a named data set that its recipe trains on, if that is not all of train."""

JOINT_EMBEDDING = {name: getattr(objectives, kind) for name, kind in names.JOINT_EMBEDDING.items()}
"""Joint-embedding objectives by name on the command line."""

CLASSICAL = {name: getattr(small_images, name) for name in names.CLASSICAL}
"""Recipes of all other objectives, for images of up to 64x64 pixels, by name on the command line."""

TEXT = {name: getattr(text, name) for name in names.TEXT}
"""Recipes of language models, for any texts, by name on the command line."""

SERIES = {name: getattr(series, name) for name in names.SERIES}
"""Recipes of objectives of series, by name on the command line."""

SPEECH = {name: getattr(speech, name) for name in names.SPEECH}
"""Recipes for recordings, by name on the command line."""

VIDEO = {name: getattr(video, name) for name in names.VIDEO}
"""Recipes of objectives of video, by name on the command line."""

PAIRS = {name: getattr(pairs, name) for name in names.PAIRS}
"""Recipes for pictures with texts, by name on the command line."""

_ANYWHERE = (
    CLASSICAL
    | TEXT
    | SERIES
    | SPEECH
    | VIDEO
    | PAIRS
    | {
        name: functools.partial(photographs.joint_embedding, objective=objective)
        for name, objective in JOINT_EMBEDDING.items()
    }
)
_ANYWHERE["autoencoder"] = photographs.autoencoder
_SMALL = {name: getattr(small_images, name) for name in JOINT_EMBEDDING}
_NAMED = {
    "digits": {"simclr": digits.simclr, "autoencoder": digits.autoencoder},
    "mnist": {"simclr": mnist.simclr, "autoencoder": mnist.autoencoder},
    "fashion_mnist": _SMALL | {"autoencoder": mnist.autoencoder},
    "cifar10": _SMALL | {"autoencoder": small_images.autoencoder},
}


def check_kind(source: data.Source, objective: str) -> None:
    """Raise unless a source has the kind of data that an objective's recipes are for.

    Args:
        source: `data.Source`.
        objective: Name of the objective, such as "simclr".

    Raises:
        UserError: If it has something else.
    """
    kinds = names.KIND_OF.get(objective, "image").split(", ")
    if set(source.kind.split(", ")) != set(kinds):
        plural = "pictures with texts" if objective in names.PAIRS else KINDS[kinds[0]].plural
        known = names.objectives_for(source.kind)
        choose_one = f"choose another objective, such as {known}, or " if known else ""
        raise UserError(
            f"{plural}, which all recipes of {objective} are for",
            f"{source.plural} in {source.name}",
            f"{choose_one}fit one on an encoder of your own: `objective.fit(data.batches(source, …))`",
        )


def choose(objective: str, dataset: Path) -> Callable[..., Recipe]:
    """Return the recipe function for the names of an objective and a data set.

    Args:
        objective: A key of `JOINT_EMBEDDING`, `CLASSICAL`, `TEXT`, `SERIES`, `SPEECH`, `VIDEO` or `PAIRS`, such as
            "simclr" or "autoencoder".
        dataset: A name such as "digits" or "mnist", or a folder. If it has no recipe of its own, the default is a
            recipe without scores: the one for photographs for joint-embedding objectives and the autoencoder, otherwise
            the one for small images.

    Returns:
        Function `(source, epochs=None, seed=0)` that returns a `Recipe`.

    Raises:
        UserError: If there is no such objective.
    """
    names.check_objective(objective)
    named = {} if is_path(dataset) else _NAMED.get(str(dataset), {})
    return named.get(objective, _ANYWHERE[objective])
