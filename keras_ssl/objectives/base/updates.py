"""The gradient steps that make up a training step."""

from typing import Any, NamedTuple

__all__ = ["Update"]


class Update(NamedTuple):
    """One gradient step: an optimizer minimizes a term over some variables.

    Args:
        term: The term to minimize, one of the objective's `terms`.
        optimizer: Compiled `keras.optimizers.Optimizer`, or None before `compile`.
        variables: List of the variables to change.
    """

    term: str
    optimizer: Any
    variables: list
