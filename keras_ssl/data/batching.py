"""Batches for `fit`, on every backend."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.backends import on_tensorflow
from keras_ssl.checks import check_between
from keras_ssl.data.attribute_targets import Targets
from keras_ssl.data.attribute_targets import targets as compute_targets
from keras_ssl.data.plan import Plan
from keras_ssl.data.source import Source, from_arrays
from keras_ssl.errors import UserError
from keras_ssl.typing import Operation, Samples

__all__ = ["batches"]


def batches(
    source: Source | Samples,
    views: Operation | None = None,
    batch_size: int = 256,
    seed: int = 0,
    shuffle: bool = True,
    drop_remainder: bool | None = None,
    first_epoch: int = 0,
    targets: Targets | dict[str, Any] | None = None,
    first_step: int = 0,
    columns: Sequence[str] = (),
) -> Any:
    """Make the data set of batches, as dicts, that an objective is fitted on.

    Each iteration over it is an epoch, with a new order and new views. The n-th epoch has the same batches whenever the
    arguments are the same, so a run that stopped after k epochs resumes with `first_epoch=k` as if it had not stopped,
    and one that stopped after k steps with `first_step=k`, which `callbacks.Resume.fit` needs.
    An epoch counts as soon as its first batch is taken. Under a distribution strategy, Keras takes one batch before
    every `fit` of a model that is not an objective, which counts as an epoch.

    Args:
        source: A `Source`, or what `from_arrays` takes: images of shape `(n, height, width, channels)`, uint8 in 0..255
            or floats in 0..1, ids, rows, or a dict of arrays.
        views: Policy `(samples, seed) -> samples`, which makes two views of each sample; or a function `(samples, seed)
            -> dict of views` with an attribute `keys`, such as `views.pair(policy)`; or None for the samples alone.
            Views with a true attribute `pure`, such as all policies made of this package's operations, are compiled by
            XLA. Default: None.
        batch_size: Samples in a batch. Default: 256.
        seed: Seed of order and views, a non-negative integer. Default: 0.
        shuffle: Whether each epoch has its own order. Default: True.
        drop_remainder: Whether an incomplete last batch is dropped. Default: True if there are views, since objectives
            compare the samples of a batch.
        first_epoch: Number of the first epoch. Default: 0.
        targets: Output of `data.targets` or `data.token_targets` for the same source, the dict of attributes that the
            former takes, or None. With targets, batches also hold "attributes", float32 `(batch_size, number of
            attributes)`, or of each token, computed from the samples before views are made. Default: None.
        first_step: Number of steps trained before, counted from the start of the training. The first iteration gives
            what is left of the epoch of this step, the later ones whole epochs. In mid-epoch, give the result to `fit`
            without changing it: TensorFlow would forget how long a whole epoch is. Default: 0.
        columns: Names of columns of the source that batches hold, too. Default: none.

    Returns:
        On the TensorFlow backend a `tf.data.Dataset`, on others a `keras.utils.PyDataset`, of dicts:
        `{"input": samples}` or the views. Samples are what `Source.specs` says, such as images in 0..1 of shape
        `(batch_size, height, width, channels)`; they keep their stored dtype until their batch is made.

    Raises:
        UserError: If the samples cannot be trained on, there is less than one batch, the views fail
            `views.check_views`, the targets belong to another source, the source lacks a column, or both `first_epoch`
            and `first_step` are given.

    Example:
        `objective.fit(data.batches(train, views=views.digits(), batch_size=256), epochs=60)`
    """
    source = source if isinstance(source, Source) else from_arrays(source)
    source.check(at_least=2)  # nothing can be learned from one
    views = None if views is None else _checked_views(views, source)
    drop = views is not None if drop_remainder is None else bool(drop_remainder)
    check_between("batch_size", batch_size, least=1, whole=True)
    check_between("seed", seed, least=0, whole=True)
    for name, number in (("first_epoch", first_epoch), ("first_step", first_step)):
        check_between(name, number, least=0, whole=True)
    if first_epoch and first_step:
        received = f"first_epoch={first_epoch} and first_step={first_step}"
        raise UserError("one place to begin at", received, "leave out `first_epoch`: steps are counted over all epochs")
    if drop and len(source) < batch_size:
        raise UserError(
            f"at least one whole batch of {batch_size} samples",
            f"{len(source)} samples",
            f"lower `batch_size` to {len(source)} or less",
        )
    added = {name: _column(source, name) for name in columns}
    if targets is not None:
        added["attributes"] = _attributes(source, targets)
    plan = Plan(len(source), int(batch_size), int(seed), bool(shuffle), drop)
    first_step = int(first_step or first_epoch * plan.steps)
    if on_tensorflow():
        from keras_ssl.data.tensorflow_batches import tensorflow_batches

        return tensorflow_batches(plan, source, views, first_step, added)
    from keras_ssl.data.python_batches import PythonBatches

    return PythonBatches(plan, source, views, first_step, added)


def _checked_views(views, source):
    from keras_ssl.views import check_views, pair

    views = views if hasattr(views, "keys") else pair(views)
    check_views(views, source.inputs(np.arange(min(8, len(source)))), source.specs)
    return views


def _column(source, name):
    if name not in (source.columns or {}):
        raise UserError(
            f"a column of {source.name}: {', '.join(source.columns or {}) or 'it has none'}",
            f"'{name}'",
            "give the source `columns={name: values}`",
        )
    return source.columns[name]


def _attributes(source, targets):
    known = targets if isinstance(targets, Targets) else compute_targets(source, targets)
    if len(known) != len(source):
        raise UserError(
            f"targets of the {len(source)} samples of the source",
            f"{len(known)}",
            "make them of the same source: `data.targets(source, …)`",
        )
    return known.values
