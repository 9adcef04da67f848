"""Checks of rows of ids, in which 0 is padding."""

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["check_known_length", "check_not_empty"]


def check_not_empty(ids: np.ndarray, name: str = "texts", do: str | None = None) -> None:
    """Raise if a row of ids is padding only.

    Args:
        ids: Integer array `(n, length)`.
        name: What the rows are called in the error. Default: "texts".
        do: What to do about it. Default: to leave these out, or to encode them with `begin`.

    Raises:
        UserError: If there is one, with the index of the first.
    """
    empty = np.flatnonzero(~np.any(np.asarray(ids) != 0, axis=1))
    if len(empty):
        raise UserError(
            f"{name} of at least one token",
            f"{len(empty)} without any, the first at index {empty[0]}",
            do or "leave these out, or give them a token: `tokenizer.encode(texts, begin=True)`",
        )


def check_known_length(ids: Tensor, name: str, method: str) -> None:
    """Raise unless the length of rows of ids is known inside a graph.

    Args:
        ids: Tensor `(n, length)`.
        name: What they are called in the error.
        method: Name of what needs the length.

    Raises:
        UserError: If it is not.
    """
    if ids.shape[1] is None:
        raise UserError(
            f"{name} of a known length for {method}",
            f"batches of shape {tuple(ids.shape)}",
            "pad all texts to one length: `tokenizer.encode(texts, length)`",
        )
