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
    batch of the epoch, whatever its argument. It asks for the length once for all epochs, and again when it begins one,
    of which there may be less left.

    Args:
        plan: The `Plan`, which gives the samples and the view seed of each batch.
        source: The `Source`.
        views: Function `(images, seed) -> dict of views`, or None.
        first_step: Number of steps before the first batch.
        columns: Arrays `(n, …)` whose rows are added to batches under their names, or None.
    """

    def __init__(
        self,
        plan: Plan,
        source: Source,
        views: Operation | None = None,
        first_step: int = 0,
        columns: dict[str, np.ndarray] | None = None,
    ):
        super().__init__()
        self.plan, self.source = plan, source
        self.epochs, self.skipped = plan.epochs_from(first_step), first_step % plan.steps
        self.begun, self.step = False, 0  # the step within this epoch, of those that are left
        self.views = _compiled(views)
        self.columns = columns or {}

    def __len__(self) -> int:
        return self.plan.steps - (self.skipped if self.begun and self.step == 0 else 0)

    def __getitem__(self, index: int) -> Batch:
        """Return the next batch of this epoch, a dict of float32 arrays; `index` is ignored."""
        del index
        if self.step == 0:
            self.order, self.seeds = next(self.epochs)
        step = self.step % len(self.seeds)
        self.step += 1
        indices = self.order[step * self.plan.batch_size : (step + 1) * self.plan.batch_size]
        samples = self.source.inputs(indices, self.seeds[step])
        batch = {"input": samples} if self.views is None else self.views(samples, self.seeds[step])
        return {**batch, **{name: column[indices] for name, column in self.columns.items()}}

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        try:
            for step in range(self.plan.steps - self.skipped):
                yield self[step]
        finally:
            self.on_epoch_end()

    def on_epoch_begin(self) -> None:
        """Note that the length is now that of what is left of this epoch."""
        self.begun = True

    def on_epoch_end(self) -> None:
        """Advance to the next epoch if this one was begun: Keras also calls this before the first epoch."""
        self.begun = False
        if self.step:
            self.skipped, self.step = 0, 0


def _compiled(views):
    if views is None or keras.backend.backend() != "jax" or not getattr(views, "pure", False):
        return views
    import jax

    def see(images, seed):
        return views(images, seed)

    compiled = jax.jit(see)
    return lambda images, seed: compiled(images, np.asarray(seed, "uint32"))
