"""Pretrain an encoder without labels, transfer it with few labels, ship it.

Most packages load when they are first used, so `import keras_ssl` is light and works where TensorFlow is absent.
"""

import importlib
import os

# TensorFlow's own default on newer CPUs; on others training takes up to twice as long without. Read at its import.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# registers their classes, so that Keras finds them in .keras files
from keras_ssl import blocks, objectives, optimizers

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
    "state",
    "transfer",
    "transforms",
    "views",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"keras_ssl.{name}")
    raise AttributeError(f"module 'keras_ssl' has no attribute {name!r}")


def __dir__():
    return sorted([*__all__, "__version__"])
