"""Batches as a `keras.utils.PyDataset`, for backends other than TensorFlow."""

from collections.abc import Iterator

import keras
import numpy as np

from keras_ssl.data.plan import Plan
from keras_ssl.data.source import Source
from keras_ssl.typing import Batch, Operation

__all__ = ["PythonBatches"]


class PythonBatches(keras.utils.PyDataset):
    """The batches of a `Plan`, with the views jitted on JAX. See `data.batches`.

    `fit` requests the steps of an epoch in an order that our seed does not determine, so `__getitem__` returns the next
    batch of the epoch, whatever its argument.

    Args:
        plan: The `Plan`, which gives the samples and the view seed of each batch.
        source: The `Source`.
        views: Function `(images, seed) -> dict of views`, or None.
        first_epoch: Number of the first epoch.
        attributes: Float32 array `(n, …)` whose rows are added to batches as "attributes", or None.
    """

    def __init__(
        self,
        plan: Plan,
        source: Source,
        views: Operation | None = None,
        first_epoch: int = 0,
        attributes: np.ndarray | None = None,
    ):
        super().__init__()
        self.plan, self.source, self.epoch, self.step = plan, source, first_epoch, 0
        self.views = _compiled(views)
        self.attributes = attributes

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, index: int) -> Batch:
        """Return the next batch of this epoch, a dict of float32 arrays; `index` is ignored."""
        del index
        if self.step == 0:
            self.order, self.seeds = self.plan.order(self.epoch), self.plan.view_seeds(self.epoch)
        step = self.step % len(self)
        self.step += 1
        indices = self.order[step * self.plan.batch_size : (step + 1) * self.plan.batch_size]
        samples = self.source.inputs(indices)
        batch = {"input": samples} if self.views is None else self.views(samples, self.seeds[step])
        return batch if self.attributes is None else {**batch, "attributes": self.attributes[indices]}

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        try:
            for step in range(len(self)):
                yield self[step]
        finally:
            self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Advance to the next epoch if this one was begun: Keras also calls this before the first epoch."""
        if self.step:
            self.epoch, self.step = self.epoch + 1, 0


def _compiled(views):
    if views is None or keras.backend.backend() != "jax" or not getattr(views, "pure", False):
        return views
    import jax

    def see(images, seed):
        return views(images, seed)

    compiled = jax.jit(see)
    return lambda images, seed: compiled(images, np.asarray(seed, "uint32"))
