"""Batches as a `tf.data.Dataset`."""

import os
from typing import Any

import keras
import numpy as np

from keras_ssl.data.plan import Plan
from keras_ssl.data.source import Source
from keras_ssl.specs import scale_of
from keras_ssl.typing import Operation

__all__ = ["tensorflow_batches"]

_PARALLEL_CALLS = min(os.cpu_count() or 1, 8)  # batches made at a time; each is held in memory


def tensorflow_batches(
    plan: Plan,
    source: Source,
    views: Operation | None = None,
    first_step: int = 0,
    columns: dict[str, np.ndarray] | None = None,
) -> Any:
    """Return the batches of a `Plan` as a `tf.data.Dataset`. See `data.batches`.

    Args:
        plan: The `Plan`, which gives the samples and the view seed of each batch.
        source: The `Source`.
        views: Function `(images, seed) -> dict of views`, or None.
        first_step: Number of steps before the first batch.
        columns: Arrays `(n, …)` whose rows are added to batches under their names, or None.
    """
    import tensorflow as tf

    epochs = plan.epochs_from(first_step)

    def begin_epoch():
        return next(epochs)

    @tf.autograph.experimental.do_not_convert
    def steps(_):
        # Not `from_generator`: it makes the allocator of the whole process return every freed tensor to the kernel,
        # which doubles the time of training (TensorFlow 2.21, "M_TRIM_THRESHOLD=128 kb was set").
        order, seeds = tf.numpy_function(begin_epoch, [], (tf.int64, tf.int32))
        order = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, (None,)))
        seeds = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(seeds, (None, 2)))
        return tf.data.Dataset.zip((order.batch(plan.batch_size, drop_remainder=plan.drop), seeds))

    see = _compiled(views, plan)

    @tf.autograph.experimental.do_not_convert  # views are keras.ops; AutoGraph would only warn about missing source
    def make_batch(indices, seed):
        samples = _inputs(source, indices, seed)
        batch = {"input": samples} if see is None else see(samples, seed)
        return {**batch, **{name: _rows(column, indices) for name, column in (columns or {}).items()}}

    dataset = tf.data.Dataset.range(1).flat_map(steps)
    if first_step % plan.steps == 0:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(plan.steps))
    options = tf.data.Options()  # each worker makes the global batch and keeps its part
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    # Its thread can sleep through the end of an epoch, for up to as long as the epoch took: `fit` of 3.3 s took 5.2
    # (TensorFlow 2.21).
    options.autotune.enabled = False
    dataset = dataset.map(make_batch, num_parallel_calls=_PARALLEL_CALLS).prefetch(2)
    dataset = dataset.with_options(options)
    if first_step % plan.steps:  # the assertion would fail in the first epoch, whose length Keras would take for all
        dataset.cardinality = lambda: tf.constant(plan.steps, tf.int64)
    return dataset


def _inputs(source, indices, seed):
    """Samples of a source as a model takes them: tensors like `source.specs`."""
    import tensorflow as tf

    wanted, example = keras.tree.flatten(source.specs), keras.tree.flatten(source.example)
    flat = tf.numpy_function(
        lambda *given: keras.tree.flatten(source.rows(*given)),
        [indices, seed],
        [x.dtype for x in example],
        stateful=False,
    )

    def converted(spec, x, stored):
        x = tf.cast(tf.ensure_shape(x, (indices.shape[0], *stored.shape[1:])), spec.dtype)
        scale = scale_of(spec, stored.dtype)
        return x if scale == 1 else x / scale

    return keras.tree.pack_sequence_as(source.specs, list(map(converted, wanted, flat, example)))


def _rows(array, indices):
    """Take rows with NumPy: as a tensor, the whole array would be in memory twice, or four times under a strategy."""
    import tensorflow as tf

    rows = tf.numpy_function(array.__getitem__, [indices], array.dtype, stateful=False)
    return tf.ensure_shape(rows, (indices.shape[0], *array.shape[1:]))


def _compiled(views, plan):
    """Return the views compiled by XLA if possible: incomplete batches would be compiled again and again."""
    import tensorflow as tf

    if views is None or not plan.drop or not getattr(views, "pure", False):
        return views
    return tf.function(views, jit_compile=True, autograph=False)
