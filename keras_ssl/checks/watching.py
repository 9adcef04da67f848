"""Data sets whose batches are looked at before a step is taken on them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_ssl.backends import on_tensorflow
from keras_ssl.errors import UserError

__all__ = ["Watch"]


class Watch:
    """Looks at batches of a data set, and remembers what is wrong with one.

    TensorFlow, and the threads that Keras fetches batches with, report an error in a data set as one of their own:
    `reporting()` raises the `UserError` itself.

    Args:
        first: Called with the first batch, as NumPy arrays in the structure of the data set; it raises `UserError`.
        each: Called with each later batch, or None. Default: None.

    Example:
        `watch = Watch(look)`, then `with watch.reporting(): model.fit(watch.over(dataset))`
    """

    def __init__(self, first: Callable[[Any], object], each: Callable[[Any], object] | None = None):
        self.first, self.each = first, each
        self.begun = False
        self.error: UserError | None = None

    def look(self, batch: Any) -> Any:
        """Look at a batch and return it.

        Args:
            batch: Arrays or tensors.

        Raises:
            UserError: If something is wrong with it.
        """
        look, self.begun = self.each if self.begun else self.first, True
        try:
            if look is not None:
                look(batch)
        except UserError as error:
            self.error = error
            raise
        return batch

    def over(self, x: Any) -> Any:
        """Return a data set that is looked at, or what is none, such as arrays, as it is.

        Args:
            x: The argument of `fit`. On other backends than TensorFlow a `tf.data.Dataset` is returned as it is.

        Raises:
            UserError: If a data set has ragged or sparse tensors.
        """
        if isinstance(x, keras.utils.PyDataset):
            return _Watched(x, self)
        if isinstance(x, Iterator):
            return (self.look(batch) for batch in x)  # Keras takes generators, not every iterator
        return _scanned(x, self) if on_tensorflow() else x

    @contextlib.contextmanager
    def reporting(self) -> Iterator[None]:
        """Raise the error of `look` in place of the one in which TensorFlow, or Keras, wraps it."""
        try:
            yield
        except UserError:
            raise
        except Exception:
            if self.error is not None:
                raise self.error from None
            raise


class _Watched(keras.utils.PyDataset):
    """A `PyDataset` whose batches are looked at."""

    def __init__(self, dataset, watch):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset, self.watch = dataset, watch

    @property
    def num_batches(self) -> int | None:
        return self.dataset.num_batches

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.watch.look(self.dataset[index])

    def on_epoch_begin(self) -> None:
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()


def _scanned(x, watch):
    """A `tf.data.Dataset` that is looked at. Only the batches that are looked at leave its graph."""
    import tensorflow as tf

    if not isinstance(x, tf.data.Dataset):
        return x
    _check_dense(x)

    @tf.autograph.experimental.do_not_convert
    def look(first, element):
        parts = tf.nest.flatten(element)
        tensors = [part for part in parts if part is not None]

        def looked(*arrays):
            rest = iter(arrays)
            watch.look(tf.nest.pack_sequence_as(element, [None if part is None else next(rest) for part in parts]))
            return np.True_

        def show():
            return tf.numpy_function(looked, tensors, tf.bool)

        done = show() if watch.each is not None else tf.cond(first, show, lambda: tf.constant(True))
        with tf.control_dependencies([done]):
            return False, tf.nest.map_structure(lambda part: None if part is None else tf.identity(part), element)

    scanned = x.scan(True, look)
    if "cardinality" in vars(x):  # `data.batches` says the length of whole epochs, also where the first is shorter
        scanned.cardinality = x.cardinality
    return scanned


def _check_dense(dataset):
    import tensorflow as tf

    for spec in tf.nest.flatten(dataset.element_spec):
        if isinstance(spec, (tf.RaggedTensorSpec, tf.SparseTensorSpec)):
            ragged = isinstance(spec, tf.RaggedTensorSpec)
            call = "x.to_tensor()" if ragged else "tf.sparse.to_dense(x)"
            raise UserError(
                "a data set of dense tensors",
                f"{'ragged' if ragged else 'sparse'} ones of shape {tuple(spec.shape)}",
                f"convert them in its last `map`: `{call}`" + (" pads rows with 0" if ragged else ""),
            )
