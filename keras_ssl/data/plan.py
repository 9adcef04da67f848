"""Which samples and which view seed each batch has."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

__all__ = ["Place", "Plan"]


class Place(NamedTuple):
    """What a batch is, which follows from the seed and its number in the training.

    Attributes:
        epoch: Number of the epoch, from 0.
        position: Number of the batch in this epoch, from 0.
        indices: Indices of the samples, int64 `(batch_size,)`; fewer in an incomplete last batch.
        view_seed: Seed of the views, int32 `(2,)`.
    """

    epoch: int
    position: int
    indices: np.ndarray
    view_seed: np.ndarray


@dataclasses.dataclass(frozen=True)
class Plan:
    """The samples and the view seed of every batch. They depend on seed, epoch and step only.

    Args:
        samples: Number of samples.
        batch_size: Samples in a batch.
        seed: Non-negative integer.
        shuffle: Whether each epoch has its own order.
        drop: Whether an incomplete last batch is dropped.
    """

    samples: int
    batch_size: int
    seed: int
    shuffle: bool
    drop: bool

    @property
    def steps(self) -> int:
        """Number of batches in an epoch."""
        return self.samples // self.batch_size if self.drop else -(-self.samples // self.batch_size)

    def order(self, epoch: int) -> np.ndarray:
        """Return the indices of the samples in the order of this epoch, an int64 vector."""
        order = np.arange(self.samples)
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        return order[: self.steps * self.batch_size]

    def view_seeds(self, epoch: int) -> np.ndarray:
        """Return the view seed of each step of this epoch, int32 of shape `(steps, 2)`."""
        return np.random.default_rng([self.seed, epoch, 1]).integers(0, 2**31 - 1, (self.steps, 2), "int32")

    def at(self, step: int) -> Place:
        """Return what the batch of a step is: a pure function of the plan and this number.

        Args:
            step: Number of steps trained before, from the start of the training, so from 0.

        Returns:
            `Place`.
        """
        epoch, position = divmod(step, self.steps)
        indices = self.order(epoch)[position * self.batch_size :][: self.batch_size]
        return Place(epoch, position, indices, self.view_seeds(epoch)[position])

    def epochs_from(self, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield order and view seeds of each epoch from this step on: first what remains of its epoch, then whole ones.

        Args:
            step: See `at`.
        """
        epoch, position = divmod(step, self.steps)
        for following in itertools.count(epoch):
            yield self.order(following)[position * self.batch_size :], self.view_seeds(following)[position:]
            position = 0
