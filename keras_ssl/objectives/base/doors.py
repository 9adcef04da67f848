"""The methods of `keras.Model` that take data, which look at the data before a step is taken on it."""

import functools
import inspect
import math
from typing import Any

import keras
import numpy as np

from keras_ssl import specs
from keras_ssl.checks import Watch, described, instead_of_array
from keras_ssl.errors import UserError
from keras_ssl.networks import is_random, without_copies
from keras_ssl.objectives.base import batches, optimizers
from keras_ssl.trees import are_arrays, count

__all__ = ["Doors", "check_data"]


class Doors(keras.Model):
    """A model whose data are checked: arrays whole, data sets at their first batch, ids at every batch.

    Data sets that are neither a `tf.data.Dataset`, a `keras.utils.PyDataset` nor an iterator are used as they are.
    """

    _begun = False

    @functools.wraps(keras.Model.fit, assigned=())  # for the signature
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Check the arguments and train. The arguments are those of `keras.Model.fit`.

        Args:
            *args: `x` first: `data.batches(…)`, any other data set of such batches, or arrays, with a default
                `batch_size` of 32.
            **kwargs: `epochs`, `callbacks`, … of `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`.

        Raises:
            UserError: If `epochs` is below 1, the data cannot be trained on, there are targets or weights, or a
                callback would not reach all optimizers; and at the first update that is not finite. The weights are
                then those from before it.
        """
        given = _bound(keras.Model.fit, self, args, kwargs)
        batches.refuse_targets(self, given)
        optimizers.check_callbacks(self, given.get("callbacks"))
        if (epochs := given.get("epochs", 1)) < 1:
            raise UserError("at least one epoch", f"epochs={epochs}", "give `epochs=1` or more")
        arrays = batches.arrays_in(self, given.get("x"))
        if not arrays:
            given.setdefault("shuffle", False)  # Keras would warn that data sets shuffle themselves
        watch, validation = self._watch(), self._watch()
        given["x"] = self._watched(watch, given.get("x"))
        for key, array in arrays.items():
            kept = math.floor(count(array) * (1 - (given.get("validation_split") or 0.0)))  # as Keras cuts them
            batches.check_sizes(self, key, kept, given.get("batch_size"))
            if kept < count(array):
                batches.check_sizes(self, key, count(array) - kept, _validation_size(given), least=1)
        if given.get("validation_data") is not None:
            x, *targets = keras.utils.unpack_x_y_sample_weight(given["validation_data"])
            batches.refuse_targets(self, dict(zip(("y", "sample_weight"), targets)))
            given["validation_data"] = (self._watched(validation, x), *targets)
            self._check_sizes(x, _validation_size(given))
        self._begun = True
        with watch.reporting(), validation.reporting():
            return super().fit(**given)

    @functools.wraps(keras.Model.evaluate, assigned=())  # for the signature
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Check the data and return the terms. The arguments are those of `keras.Model.evaluate`.

        Args:
            *args: `x` first: what `fit` takes.
            **kwargs: `batch_size`, `return_dict`, … of `keras.Model.evaluate`.

        Returns:
            A list of the terms, or with `return_dict` a dict.

        Raises:
            UserError: If the data cannot be used, or there are targets or weights.
        """
        given = _bound(keras.Model.evaluate, self, args, kwargs)
        batches.refuse_targets(self, given)
        watch = self._watch()
        if "_use_cached_eval_dataset" not in given:  # so `fit` asks, which looks at its validation data
            given["x"] = self._watched(watch, given.get("x"))
            self._check_sizes(given["x"], given.get("batch_size"))
        try:
            with watch.reporting():
                return super().evaluate(**given)
        finally:
            if keras.backend.backend() == "jax":
                self.jax_state_sync()

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Check the samples and return their representations. The arguments are those of `keras.Model.predict`.

        Args:
            *args: `x` first: samples as the embedder takes them, a data set of them or of batches with "input".
            **kwargs: `batch_size`, `verbose`, … of `keras.Model.predict`.

        Returns:
            Array `(n, d)`.

        Raises:
            UserError: If the samples, or those in the first batch of a data set, do not fit the embedder.
        """
        given = _bound(keras.Model.predict, self, args, kwargs)
        x = _data(self, given["x"])
        look = functools.partial(_check_samples, self)
        if are_arrays(x):
            look(x)
        watch = Watch(look, self._each(look))
        given["x"] = watch.over(x)
        with watch.reporting():
            return super().predict(**given)

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Take one step; see `keras.Model.train_on_batch`. The first batch since `compile` is checked.

        Args:
            x: A batch.
            y: Must be None.
            sample_weight: Must be None.
            **kwargs: See `keras.Model.train_on_batch`.

        Raises:
            UserError: If the first batch cannot be trained on, or there are targets or weights.
        """
        batches.refuse_targets(self, {"y": y, "sample_weight": sample_weight, **kwargs})
        self._begin(x)
        return super().train_on_batch(x, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Evaluate one batch; see `keras.Model.test_on_batch` and `train_on_batch`."""
        batches.refuse_targets(self, {"y": y, "sample_weight": sample_weight})
        self._begin(x)
        return super().test_on_batch(x, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the representations of one batch; see `keras.Model.predict_on_batch`. Each batch is checked."""
        _check_samples(self, x)
        return without_copies(super().predict_on_batch(x), x)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile; see `keras.Model.compile`."""
        self._begun = False
        super().compile(*args, **kwargs)

    def _begin(self, x):
        if not self._begun:
            check_data(self, x)
        self._begun = True

    def _watched(self, watch, x):
        """Check arrays whole; return them, or a data set that is watched."""
        check_data(self, x)
        return watch.over(_data(self, x))

    def _check_sizes(self, x, batch_size):
        for key, array in batches.arrays_in(self, x).items():
            batches.check_sizes(self, key, count(array), batch_size, least=1)

    def _watch(self):
        return Watch(lambda data: check_data(self, data), self._each(lambda data: _check_ids(self, data)))

    def _each(self, look):
        """What looks at later batches: an id out of range would get another vector, or none, under XLA and on JAX."""
        return look if any(spec.is_bounded for spec in keras.tree.flatten(self.batch_specs)) else None


def _validation_size(given):
    return given.get("validation_batch_size") or given.get("batch_size")


def _bound(method, model, args, kwargs):
    """The arguments of a method by name, without the model."""
    given = inspect.signature(method).bind(model, *args, **kwargs).arguments
    del given["self"]
    others = given.pop("kwargs", {})
    return {**given, **others}


def check_data(objective: Any, data: Any) -> None:
    """Raise `UserError` if arrays, or the tensors of a batch, cannot be trained on; see `Objective.check_array`.

    Args:
        objective: An `Objective`.
        data: What `fit` takes, or one batch. What is neither arrays nor a dict of them passes.
    """
    x = data[0] if isinstance(data, tuple) and len(data) in (1, 2, 3) else data
    arrays = batches.arrays_in(objective, _data(objective, x))
    for key, array in arrays.items():
        objective.check_array(key, array)
    batches.check_alike(objective, {key: count(arrays[key]) for key in objective.batch_specs if key in arrays})
    _check_views(objective, arrays)


def _check_views(objective, arrays):
    """Raise if two views are identical, unless the encoder itself draws, as dropout does."""
    views = [key for key in objective.batch_keys if key.startswith("view_") and key in arrays]
    for k, key in enumerate(views):
        for other in views[:k]:
            pairs = zip(*(keras.tree.flatten(arrays[name]) for name in (other, key)))
            if all(np.array_equal(x, y) for x, y in pairs) and not is_random(objective.encoder):
                raise UserError(
                    f"views that differ from one another for {type(objective).__name__}",
                    f"'{other}' and '{key}' that are identical",
                    f"draw each with a seed of its own; `{objective.batches_call}` makes such batches",
                )


def _check_ids(objective, data):
    samples = batches.by_key(objective, keras.utils.unpack_x_y_sample_weight(data)[0])
    for key, wanted in objective.batch_specs.items():
        found = samples.get(key) if isinstance(samples, dict) else None
        for name, spec in wanted.items() if isinstance(wanted, dict) else [(None, wanted)]:
            x: Any = found.get(name) if isinstance(found, dict) else found if name is None else None
            if spec.is_bounded and x is not None:
                with batches.errors_about(objective, key):
                    spec.check_tensor(f"'{key}'", x)
                    spec.check_values(f"'{key}'", np.asarray(x))


def _check_samples(objective, data):
    """Raise unless samples are what the embedder takes; they may be in a batch, under "input"."""
    x = keras.utils.unpack_x_y_sample_weight(data)[0]
    wanted = specs.specs_of(objective.embedder)
    if isinstance(x, dict) and "input" in x and not (isinstance(wanted, dict) and "input" in wanted):
        x = x["input"]
    specs.check_values(wanted, keras.tree.map_structure(np.asarray, x), specs.plural(wanted))


def _data(objective, x):
    """Return `x`, or raise if it is no data: a path, a list of samples, ragged tensors, …"""
    if hasattr(x, "element_spec") or isinstance(x, keras.utils.PyDataset) or hasattr(x, "__next__"):
        return x
    if isinstance(x, tuple) and len(objective.batch_keys) > 1:
        return x  # the check of a batch says which keys are wanted
    do = instead_of_array(x)
    if do is None and isinstance(x, dict):
        do = next(filter(None, map(instead_of_array, keras.tree.flatten(x))), None)
    if do is None and isinstance(x, list):
        do = "stack them: `np.stack(samples)`"
    if do is not None:
        raise UserError(f"arrays or a data set for {type(objective).__name__}", described(x), do)
    return x
