"""Type aliases for annotations."""

import os
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Batch", "Operation", "Path", "Progress", "Samples", "Schedule", "Shape", "Tensor"]

Tensor: TypeAlias = Any
"""A tensor of the backend, a NumPy array, or a symbolic Keras tensor."""
Batch: TypeAlias = dict[str, Tensor]
"""Tensors by name."""
Samples: TypeAlias = Any
"""What a model takes: one tensor or array `(n, …)`, or a dict of them by name."""
Shape: TypeAlias = tuple[int | None, ...]
"""Shape of a tensor; None stands for any size."""
Path: TypeAlias = str | os.PathLike[str]
"""Path of a file or folder."""
Schedule: TypeAlias = Any
"""A number, or a `keras.optimizers.schedules.LearningRateSchedule`, which counts training steps."""
Operation: TypeAlias = Callable[[Samples, Tensor], Any]
"""A pure function of a batch of samples and a seed. The seed is an integer tensor of shape `(2,)`."""
Progress: TypeAlias = Callable[[int, int], object]
"""A function that receives how much is done and the total."""
