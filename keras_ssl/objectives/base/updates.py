"""The gradient steps that a training step is made of."""

from typing import Any, NamedTuple

__all__ = ["Update"]


class Update(NamedTuple):
    """One gradient step: an optimizer minimizes a term over some variables.

    Args:
        term: Name of the term, one of the objective's `terms`.
        optimizer: Compiled `keras.optimizers.Optimizer`, or None before `compile`.
        variables: List of the variables that it changes.
    """

    term: str
    optimizer: Any
    variables: list
