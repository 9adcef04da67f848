"""Data sets whose ids are checked: under XLA and on JAX, an id out of range would get another vector, or none."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_ssl.backends import on_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import batches
from keras_ssl.specs import Spec
from keras_ssl.typing import Tensor

__all__ = ["with_checked_ids"]


def with_checked_ids(objective: Any, x: Any) -> Any:
    """Return a data set that raises at ids out of range, before a step on them changes any weight.

    Args:
        objective: An `Objective`.
        x: The argument of `fit` or `evaluate`. Arrays are returned as they are, and so is everything for an objective
            without bounded ids.
    """
    if not any(spec.is_bounded for spec in keras.tree.flatten(objective.batch_specs)):
        return x
    if isinstance(x, keras.utils.PyDataset):
        return _Checked(objective, x)
    if isinstance(x, Iterator):
        return (_checked(objective, batch) for batch in x)
    return _mapped(objective, x) if on_tensorflow() else x


class _Checked(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked."""

    def __init__(self, objective, dataset):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.objective, self.dataset = objective, dataset

    @property
    def num_batches(self) -> int | None:
        return self.dataset.num_batches

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return _checked(self.objective, self.dataset[index])

    def on_epoch_begin(self) -> None:
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()


def _checked(objective, data):
    for key, spec, x in _bounded(objective, data):
        with batches.errors_about(objective, key):
            spec.check_values(f"'{key}'", np.asarray(x))
    return data


def _mapped(objective, x):
    """A `tf.data.Dataset` that checks, or what is none as it is."""
    import tensorflow as tf

    if not isinstance(x, tf.data.Dataset):
        return x

    def checked(*element):
        data = element if len(element) > 1 else element[0]
        for key, spec, ids in _bounded(objective, data):
            _assert_ids(key, spec, ids)
        return data

    mapped = x.map(checked, num_parallel_calls=tf.data.AUTOTUNE)
    if "cardinality" in vars(x):  # `data.batches` says the length of whole epochs, also where the first is shorter
        mapped.cardinality = x.cardinality
    return mapped


def _assert_ids(key, spec, x):
    import tensorflow as tf

    error = UserError(f"'{key}' as {spec.values}", "ids outside", "number them within the model's embedding")
    x = tf.cast(x, tf.int64)  # a small dtype may not hold the bounds
    tf.debugging.assert_less_equal(x, tf.constant(int(spec.high), tf.int64), str(error))
    tf.debugging.assert_greater_equal(x, tf.constant(int(spec.low or 0), tf.int64), str(error))


def _bounded(objective: Any, data: Any) -> Iterator[tuple[str, Spec, Tensor]]:
    """Key, spec and tensor of the bounded ids in a batch; the check in the step says what is wrong with others."""
    samples = batches.by_key(objective, keras.utils.unpack_x_y_sample_weight(data)[0])
    for key, specs in objective.batch_specs.items():
        found = samples.get(key) if isinstance(samples, dict) else None
        for name, spec in specs.items() if isinstance(specs, dict) else [(None, specs)]:
            x: Any = found.get(name) if isinstance(found, dict) else found if name is None else None
            if hasattr(x, "dtype") and spec.is_bounded and "int" in keras.backend.standardize_dtype(x.dtype):
                yield key, spec, x
