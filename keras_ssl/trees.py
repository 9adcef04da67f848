"""Samples as trees: one array, or a dict of arrays by name whose first axis counts the same samples.

`count` and `take` read a `data.Source`, too, whose samples may be files.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ssl.typing import Samples

__all__ = ["are_arrays", "concatenate", "count", "take"]


def are_arrays(x: Any) -> bool:
    """Return whether something consists of arrays or tensors, unlike a data set or nothing.

    Args:
        x: Anything.
    """
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(hasattr(leaf, "__array__") for leaf in leaves)


def count(samples: Samples) -> int:
    """Return the number of samples.

    Args:
        samples: Array or tensor `(n, …)`, a dict of them, or a `data.Source`.
    """
    return len(keras.tree.flatten(samples)[0])


def take(samples: Samples, which: Any) -> Samples:
    """Return some of the samples, in the same structure; those of a `data.Source` as a model takes them.

    Args:
        samples: Array or tensor `(n, …)`, a dict of them, or a `data.Source`.
        which: What arrays are indexed with: a slice, or an array of indices.
    """
    if hasattr(samples, "inputs"):
        return samples.inputs(np.arange(len(samples))[which])
    return keras.tree.map_structure(lambda array: array[which], samples)


def concatenate(parts: Sequence[Samples]) -> Samples:
    """Return the samples of all parts in one tree.

    Args:
        parts: At least one array, or dict of arrays; all of one structure.
    """
    return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)
