"""Pretrain an encoder without labels, transfer it with few labels, ship it.

`import keras_ssl` is fast and works without TensorFlow: most packages load on first use. Packages with classes or
functions that can be part of a saved model load at once.
"""

import importlib
import re
import sys
from types import ModuleType

from keras_ssl import onednn

__version__ = "0.1.0"
__all__ = [
    "blocks",
    "boxes",
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
    "tokenizers",
    "transfer",
    "transforms",
    "views",
    "word_vectors",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"keras_ssl.{name}")
    raise AttributeError(f"module 'keras_ssl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def _is_the_command_line():
    """Whether this process is `keras-ssl` or `python -m keras_ssl`, which import `registered` once words are right."""
    program = sys.argv[0] if sys.argv else ""
    if program == "-m":  # while Python looks for the module to run
        return re.search(r" -\w*m ?keras_ssl( |$)", " ".join(sys.orig_argv)) is not None
    return program.replace("\\", "/").rpartition("/")[2] in ("keras-ssl", "keras-ssl.exe")


onednn.turn_on()
if not _is_the_command_line():
    importlib.import_module("keras_ssl.registered")
