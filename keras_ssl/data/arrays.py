"""Samples in memory."""

import dataclasses
from typing import Any

import keras

from keras_ssl.errors import UserError
from keras_ssl.trees import count, take
from keras_ssl.typing import Samples

__all__ = ["Arrays", "check_some"]


@dataclasses.dataclass(frozen=True, eq=False)
class Arrays:
    """Samples that are rows of arrays: in memory, or mapped from a file by `numpy.memmap`.

    Args:
        values: Array `(n, …)`, or a dict of them.

    Raises:
        UserError: If arrays in a dict have different lengths.
    """

    values: Samples

    def __post_init__(self) -> None:
        lengths = {len(x) for x in keras.tree.flatten(self.values)}
        if len(lengths) > 1:
            raise UserError(
                f"as many samples of each of {', '.join(self.values)}",
                f"{', '.join(f'{len(x)} of {name}' for name, x in self.values.items())}",
                "check where they come from",
            )

    def __len__(self) -> int:
        return count(self.values)

    def __getitem__(self, which: Any) -> "Arrays":
        """Return the samples of a slice, an array of indices or a boolean mask."""
        return Arrays(take(self.values, which))

    def rows(self, indices: Any) -> Samples:
        """Return the samples at `indices` `(k,)`, in their stored dtype."""
        return take(self.values, indices)


def check_some(indices: Any, samples: int) -> None:
    """Raise unless samples that are not in memory are asked for: of none the shape is not known.

    Args:
        indices: Indices of the samples.
        samples: Number of samples there are.

    Raises:
        UserError: If there are no indices.
    """
    if not len(indices):
        raise UserError("at least 1 sample", f"none of {samples}", "check the path, or what chooses the samples")
