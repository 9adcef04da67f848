"""Checks of the samples and targets that a network with a head is trained on."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np

from keras_ssl import specs
from keras_ssl.checks import Watch, as_array, as_arrays, check_labels, check_not_empty
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.losses import WhereKnown
from keras_ssl.networks import rescales_bytes
from keras_ssl.transfer.missing import ignored_class, ignores_missing, loss_of
from keras_ssl.trees import are_arrays, count
from keras_ssl.typing import Samples

__all__ = [
    "CheckTargets",
    "as_keras_reads",
    "check_classes",
    "check_samples",
    "takes_class_numbers",
    "with_checked_fit",
]

CheckTargets: TypeAlias = Callable[[keras.Model, Samples, Any, bool], object]
"""Called with the model, samples as arrays, their targets, and whether these are all: not one batch of a data set."""

_SPARSE = (
    "sparse_categorical_crossentropy",
    "SparseCategoricalCrossentropy",
    keras.losses.sparse_categorical_crossentropy,
)


def with_checked_fit(model: keras.Model, check_targets: CheckTargets) -> keras.Model:
    """Return the model itself, whose `fit` now checks arrays, and data sets at their first batch.

    Nothing else about it changes: a copy of the model, or one that is loaded from its file, does not check. `fit.check`
    is `check_targets` of the model.

    Args:
        model: Functional model.
        check_targets: Raises `UserError` if targets cannot be trained on.
    """
    train = model.fit

    @functools.wraps(train)
    def fit(*args, **kwargs):
        given = inspect.signature(train).bind(*args, **kwargs).arguments

        def look(batch):
            _check(model, check_targets, *keras.utils.unpack_x_y_sample_weight(batch)[:2])

        watch, validation = Watch(look), Watch(look)
        given["x"] = watch.over(given.get("x"))
        _check(model, check_targets, given["x"], given.get("y"), whole=True)
        if given.get("validation_data") is not None:
            look(given["validation_data"])
            x, *others = keras.utils.unpack_x_y_sample_weight(given["validation_data"])
            given["validation_data"] = (validation.over(x), *others)
        with watch.reporting(), validation.reporting():
            return train(**given)

    vars(fit)["check"] = functools.partial(check_targets, model)
    model.fit = fit
    return model


def check_classes(classes: int) -> CheckTargets:
    """Return a function that raises unless the labels of the loss "sparse_categorical_crossentropy" are class numbers.

    Labels that are missing are left out, where the loss says so; one must be known.

    Args:
        classes: Number of classes.
    """

    def check(model, x, y, whole):
        loss = loss_of(model)
        if not takes_class_numbers(loss.loss if isinstance(loss, WhereKnown) else loss):
            return
        given = as_array(y, "labels", strings=True)
        labels, ignored = as_keras_reads(given), ignored_class(model)
        if ignores_missing(model) and given.dtype.kind == "f" and (np.isnan(given) | (given == ignored)).any():
            received = "floats" + (", and NaN" if np.isnan(given).any() else "")
            do = f"convert them: `np.where(np.isnan(labels), {ignored}, labels).astype('int64')`"
            raise UserError(f"class numbers as integers, {ignored} where one is missing", received, do)
        if ignored is None or labels.dtype.kind not in "iu":
            return check_labels(labels, count(x), classes)
        known = labels != ignored
        check_labels(np.where(known, labels, 0), count(x), classes)
        if whole and not known.any():
            raise UserError("at least one label", f"{ignored} alone, which stands for none", "give some labels")

    return check


def takes_class_numbers(loss: Any) -> bool:
    """Return whether a loss compares probabilities with class numbers: Keras's sparse cross-entropy.

    Args:
        loss: What `compile` takes as a loss of one output.
    """
    return loss in _SPARSE or isinstance(loss, keras.losses.SparseCategoricalCrossentropy)


def check_samples(model: keras.Model, samples: Samples) -> Samples:
    """Raise unless samples are finite, in range and of the shape that a model takes; return them as NumPy arrays.

    Texts must have at least one token. A `data.Source` is returned as it is: its samples are read when they are used.

    Args:
        model: Functional `keras.Model`. If its first layers rescale bytes, images may be in 0..255, also as integers.
        samples: Array `(n, …)`, a dict or a list of arrays, or a `data.Source`: what the model takes.

    Raises:
        UserError: If they are not.
    """
    wanted = specs.specs_of(model)
    if isinstance(samples, Source):
        source = as_source(samples, model)
        if "ids" in source.kind:
            _check_texts(wanted, source.stored)
        return source
    if isinstance(wanted, dict) and isinstance(samples, (list, tuple)) and len(samples) == len(wanted):
        samples = dict(zip(wanted, samples))
    arrays = as_arrays(samples, specs.plural(wanted))
    looked_at = arrays
    if any(rescales_bytes(model, x) for x in model.inputs):
        wanted = specs.without_range(wanted)
        looked_at = keras.tree.map_structure(lambda x: x.astype("float32") if x.dtype == np.uint8 else x, arrays)
    specs.check_values(wanted, looked_at, specs.plural(wanted))
    _check_texts(wanted, arrays)
    return arrays


def _check(model, check_targets, x, y, whole=False):
    """Raise if arrays cannot be trained on. Anything but arrays is left to Keras."""
    if y is not None and are_arrays(x):
        check_targets(model, check_samples(model, x), y, whole)


def _check_texts(wanted, samples):
    """Raise if a text has no token at all: there is nothing to learn its label from."""
    for name, spec in wanted.items() if isinstance(wanted, dict) else [("", wanted)]:
        if spec.kind == "ids" and len(spec.shape) == 2:
            check_not_empty(samples[name] if isinstance(wanted, dict) else samples)


def as_keras_reads(labels: np.ndarray) -> np.ndarray:
    """Return labels as Keras reads them: a column as a vector, booleans and whole floats as integers.

    Args:
        labels: Array of labels.
    """
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    whole = labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.round(labels)).all()
    return labels.astype("int64") if labels.dtype.kind == "b" or whole else labels
