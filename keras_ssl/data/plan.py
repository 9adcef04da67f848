"""Which samples and which view seed each batch has."""

import dataclasses

import numpy as np

__all__ = ["Plan"]


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
