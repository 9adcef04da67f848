"""Samples that are windows of one long array."""

import dataclasses
from typing import Any

import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError

__all__ = ["Windows"]


@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one array, which is stored once: of a text, a series, a recording or a video.

    Args:
        stream: Array `(time, …)`.
        length: Number of steps in a window.
        stride: Number of steps from the start of a window to that of the next. Default: `length`, windows without
            overlap.
        starts: Where the windows start, an integer array. Default: every `stride` steps, as long as a window fits.

    Raises:
        UserError: If no window fits.

    Example:
        `data.Source(data.Windows(prices, length=128, stride=16), kinds="series")`
    """

    stream: np.ndarray
    length: int
    stride: int | None = None
    starts: Any = None

    def __post_init__(self) -> None:
        check_between("length", self.length, least=1, whole=True)
        stride = self.length if self.stride is None else self.stride
        check_between("stride", stride, least=1, whole=True)
        if self.starts is None:
            if len(self.stream) < self.length:
                raise UserError(
                    f"at least {self.length} steps, a window's", f"{len(self.stream)}", "give a smaller `length`"
                )
            object.__setattr__(self, "starts", np.arange(0, len(self.stream) - self.length + 1, stride))

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, which: Any) -> "Windows":
        """Return the windows of a slice, an array of indices or a boolean mask."""
        return dataclasses.replace(self, starts=self.starts[which])

    def rows(self, indices: Any) -> np.ndarray:
        """Return the windows at `indices` `(k,)`, an array `(k, length, …)`."""
        return self.stream[self.starts[indices][:, None] + np.arange(self.length)]
