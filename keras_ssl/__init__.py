"""Pretrain an encoder without labels, transfer it with few labels, ship it.

`import keras_ssl` is fast and works without TensorFlow: most packages load on first use. Packages with classes or
functions that can be part of a saved model load at once.
"""

import importlib
import os
from types import ModuleType

# oneDNN is TensorFlow's default on newer CPUs only; elsewhere training takes up to twice as long without it.
# TensorFlow reads the variable when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Importing these packages registers their classes and functions, so that Keras can load .keras files with them.
from keras_ssl import blocks, likelihoods, losses, objectives, optimizers, state, transforms

__version__ = "0.1.0"
__all__ = [
    "blocks",
    "callbacks",
    "checks",
    "data",
    "decoders",
    "directions",
    "distribute",
    "encoders",
    "errors",
    "evaluate",
    "export",
    "figures",
    "heads",
    "likelihoods",
    "losses",
    "measures",
    "networks",
    "objectives",
    "optimizers",
    "recipes",
    "runs",
    "seeds",
    "specs",
    "state",
    "transfer",
    "transforms",
    "views",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"keras_ssl.{name}")
    raise AttributeError(f"module 'keras_ssl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
