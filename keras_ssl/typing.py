"""Names for types that annotations use throughout the package."""

import os
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Batch", "Operation", "Path", "Progress", "Schedule", "Shape", "Tensor"]

Tensor: TypeAlias = Any
"""A tensor of the backend, a NumPy array where one is taken for it, or a symbolic tensor of Keras."""
Batch: TypeAlias = dict[str, Tensor]
"""Tensors by name."""
Shape: TypeAlias = tuple[int | None, ...]
"""Sizes; None is any."""
Path: TypeAlias = str | os.PathLike[str]
"""Path of a file or folder."""
Schedule: TypeAlias = Any
"""A number, or a `keras.optimizers.schedules.LearningRateSchedule` in steps."""
Operation: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""A pure function of a batch of samples and a seed, an integer tensor of shape `(2,)`."""
Progress: TypeAlias = Callable[[int, int], object]
"""A function that is called with what is done and the total."""
