"""Batches for `fit`: which samples and which seeds make each of them, on every backend."""

import dataclasses

import keras
import numpy as np

from keras_ssl.checks import check_images
from keras_ssl.data.source import Source, from_arrays
from keras_ssl.data.targets import Targets
from keras_ssl.data.targets import targets as attribute_targets
from keras_ssl.errors import UserError

__all__ = ["batches", "Plan"]


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which samples and which view seeds every batch has: a function of seed, epoch and step, and of nothing else.

    Args:
        samples: Number of samples.
        batch_size: Samples in a batch.
        seed: Non-negative integer.
        shuffle: Whether each epoch has its own order.
        drop: Whether an incomplete last batch is left out.
    """

    samples: int
    batch_size: int
    seed: int
    shuffle: bool
    drop: bool

    @property
    def steps(self):
        """Number of batches in an epoch."""
        return self.samples // self.batch_size if self.drop else -(-self.samples // self.batch_size)

    def order(self, epoch):
        """Return the indices of the samples in the order in which `epoch` sees them, an int64 vector."""
        order = np.arange(self.samples)
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        return order[: self.steps * self.batch_size]

    def view_seeds(self, epoch):
        """Return one seed for the views of each step of `epoch`, int32 of shape `(steps, 2)`."""
        return np.random.default_rng([self.seed, epoch, 1]).integers(0, 2**31 - 1, (self.steps, 2), "int32")


def batches(source, views=None, batch_size=256, seed=0, shuffle=True, drop_remainder=None, first_epoch=0, targets=None):
    """Make the data set of dict batches that an objective is fitted on.

    Each iteration over it is an epoch, in a new order and with new views, and the n-th one gives the same batches
    whenever the arguments are the same: a run that stopped after k epochs goes on with `first_epoch=k` exactly as it
    would have gone on. An epoch counts as soon as it is begun, also by a look at one batch; under a distribution
    strategy Keras begins every `fit` of a model that is no objective with such a look.

    Args:
        source: A `Source`, or an array of shape `(n, height, width, channels)`, uint8 in 0..255 or floats in 0..1.
        views: Policy `(images, seed) -> images`, of which each sample gets two views; or a function `(images, seed) ->
            dict of views` with an attribute `keys`, such as `views.pair(policy)`. One whose attribute `pure` is true,
            as it is of all policies made of this package's operations, is compiled by XLA. Default None: the images
            themselves.
        batch_size: Samples in a batch. Default 256.
        seed: Seed of order and views, a non-negative integer. Default 0.
        shuffle: Whether each epoch has its own order. Default True.
        drop_remainder: Whether an incomplete last batch is left out. Default: where there are views, since objectives
            compare the samples of a batch.
        first_epoch: Number of the first epoch. Default 0.
        targets: What `data.targets` makes of the same source, or a dict as it takes; the batches then have
            "attributes", float32 `(batch_size, number of attributes)`, beside the images or the views. They are those
            of the images before views are made of them. Default None.

    Returns:
        On the TensorFlow backend a `tf.data.Dataset`, on others a `keras.utils.PyDataset`, of dicts:
        `{"input": images}` or the views, float32 in 0..1 of shape `(batch_size, height, width, channels)`. The images
        stay in memory as they are stored and are converted batch by batch.

    Raises:
        UserError: When the images cannot be trained on, there are fewer than one batch, the views are not views, or the
            targets are those of another source.

    Example:
        `objective.fit(data.batches(train, views=views.digits(), batch_size=256), epochs=60)`
    """
    source = source if isinstance(source, Source) else from_arrays(source)
    check_images(source.images, dtype=source.dtype)
    views = None if views is None else _checked_views(views, source)
    drop = views is not None if drop_remainder is None else bool(drop_remainder)
    _check_numbers(len(source), batch_size=batch_size, seed=seed, first_epoch=first_epoch, drop=drop)
    attributes = None if targets is None else _attributes(source, targets)
    plan = Plan(len(source), int(batch_size), int(seed), bool(shuffle), drop)
    if keras.backend.backend() == "tensorflow":
        from keras_ssl.data.tensorflow_batches import tensorflow_batches

        return tensorflow_batches(plan, source, views, first_epoch, attributes)
    from keras_ssl.data.python_batches import PythonBatches

    return PythonBatches(plan, source, views, first_epoch, attributes)


def _checked_views(views, source):
    from keras_ssl.views import check_views, pair

    views = views if hasattr(views, "keys") else pair(views)
    check_views(views, source[:8].floats())
    return views


def _attributes(source, targets):
    known = targets if isinstance(targets, Targets) else attribute_targets(source, targets)
    if len(known) != len(source):
        raise UserError(
            f"targets of the {len(source)} samples of the source",
            f"{len(known)}",
            "make them of the same source: `data.targets(source, …)`",
        )
    return known.values


def _check_numbers(samples, batch_size, seed, first_epoch, drop):
    for name, number, least in (("batch_size", batch_size, 1), ("seed", seed, 0), ("first_epoch", first_epoch, 0)):
        if not isinstance(number, int | np.integer) or number < least:
            raise UserError(f"{name} as an integer of at least {least}", repr(number), f"give another `{name}`")
    if drop and samples < batch_size:
        raise UserError(
            f"at least one whole batch of {batch_size} samples",
            f"{samples} samples",
            f"lower `batch_size` to {samples} or less" if samples > 1 else "give more samples",
        )
