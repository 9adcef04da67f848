"""Checks of the batches that an objective is given."""

import contextlib
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import specs
from keras_ssl.distribute import replicas
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import assertions
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = [
    "arrays_in",
    "as_batch",
    "batch_of_one",
    "by_key",
    "check_alike",
    "check_sizes",
    "errors_about",
    "refuse_targets",
    "size",
]


def as_batch(objective: Any, data: Any) -> Batch:
    """Check a batch and return it as a dict with the objective's `batch_keys` and the `optional_keys` that it has.

    With a single key, a bare tensor is accepted. In `(x, y)` the labels y are not used.

    Args:
        objective: An `Objective`.
        data: A batch as Keras passes it.

    Raises:
        UserError: If keys are missing or misspelled, a tensor does not have the shape or dtype that the objective
            needs, or there are targets that are no labels, or sample weights.
    """
    keys = objective.batch_keys
    if isinstance(data, (tuple, list)) and len(data) > 3:  # Keras reads at most x, y and sample weights
        raise _wrong_keys(objective, f"a {type(data).__name__} of {len(data)} tensors")
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    x = by_key(objective, x)
    if not isinstance(x, dict):
        received = f"one tensor of shape {tuple(x.shape)}" if hasattr(x, "shape") else f"a tuple of {len(x)} tensors"
        raise _wrong_keys(objective, received)
    if missing := [key for key in keys if key not in x]:
        raise _wrong_keys(objective, f"a dict with the keys {tuple(x)}; {', '.join(missing)} missing")
    _check_spelling(objective, x)
    targets = any(len(leaf.shape) > 2 for leaf in keras.tree.flatten(y) if hasattr(leaf, "shape"))
    refuse_targets(objective, {"y": y if targets else None, "sample_weight": weights})
    described = {key: spec for key, spec in objective.batch_specs.items() if key in x}
    for key, spec in described.items():
        with errors_about(objective, key):
            specs.check(spec, x[key], f"'{key}'")
    check_alike(objective, {key: keras.tree.flatten(x[key])[0].shape[0] for key in described})
    _check_several(objective, keras.tree.flatten(x[keys[0]])[0])
    # `train_on_batch` passes NumPy arrays as they are
    return {
        key: keras.tree.map_structure(ops.convert_to_tensor, x[key])
        for key in (*keys, *objective.optional_keys)
        if key in x
    }


def check_alike(objective: Any, sizes: Mapping[str, int | None]) -> None:
    """Raise `UserError` unless there are as many samples under each key.

    Args:
        objective: An `Objective`.
        sizes: Numbers of samples by key, None where it is not known.
    """
    if len({size for size in sizes.values() if size is not None}) > 1:
        raise UserError(
            f"as many samples of each of {tuple(sizes)} for {type(objective).__name__}",
            ", ".join(f"{size} of '{key}'" for key, size in sizes.items()),
            f"make batches with `{objective.batches_call}`",
        )


def by_key(objective: Any, x: Any) -> Any:
    """Return a dict with the objective's batch keys, where it has a single one and `x` is the samples themselves.

    Args:
        objective: An `Objective`.
        x: A dict with its batch keys, or samples: a tensor, or a dict of what an encoder with several inputs takes.
    """
    keys = objective.batch_keys
    several = isinstance(objective.batch_specs.get(keys[0]), dict)
    samples = (several and keys[0] not in x) if isinstance(x, dict) else not isinstance(x, (tuple, list))
    return {keys[0]: x} if len(keys) == 1 and samples else x


def size(objective: Any, data: Any) -> Tensor:
    """Return the number of samples in the local batch, an integer tensor.

    Args:
        objective: An `Objective`.
        data: A batch as Keras passes it.
    """
    x = by_key(objective, keras.utils.unpack_x_y_sample_weight(data)[0])
    return ops.convert_to_tensor(ops.shape(keras.tree.flatten(x[objective.batch_keys[0]])[0])[0], "int32")


def refuse_targets(objective: Any, given: Mapping[str, Any]) -> None:
    """Raise `UserError` if there are targets or weights, which an objective would not use.

    Args:
        objective: An `Objective`.
        given: Arguments of `fit` or the like by name; those called y, sample_weight and class_weight must be None.
    """
    if names := [name for name in ("y", "sample_weight", "class_weight") if given.get(name) is not None]:
        keys = " and ".join(f"'{key}'" for key in (*objective.batch_keys, *objective.optional_keys))
        raise UserError(
            f"x alone for {type(objective).__name__}, whose loss has no targets and no weights",
            ", ".join(names),
            f"leave them out; what the loss compares goes into the batch, a dict that may hold {keys}",
        )


@contextlib.contextmanager
def errors_about(objective: Any, key: str) -> Iterator[None]:
    """Add to a `UserError` about the tensors under a key which objective takes them, and how to make them."""
    try:
        yield
    except UserError as error:
        name = type(objective).__name__
        raise UserError(
            f"{error.expected} for {name}", error.received, f"{error.do}; `{objective.batches_call}` makes such batches"
        ) from None


def _wrong_keys(objective, received):
    return UserError(
        f"batches for {type(objective).__name__} as a dict with the keys {objective.batch_keys}",
        received,
        f"make them with `{objective.batches_call}`",
    )


def _check_spelling(objective, x):
    """Raise if a key is almost that of an optional tensor, which would be drawn in its place. Others are not used."""
    known = (*objective.batch_keys, *objective.optional_keys)
    for key in (key for key in x if key not in known):
        if close := difflib.get_close_matches(str(key), objective.optional_keys, 1, 0.8):
            optional = ", ".join(f"'{name}'" for name in objective.optional_keys)
            raise UserError(
                f"optional keys among {optional} for {type(objective).__name__}", f"'{key}'", f"write '{close[0]}'"
            )


def _check_several(objective, x):
    """Raise if a batch that is compared with itself has one sample. Replicas compare the global batch."""
    if not objective.compares_samples or replicas() > 1:
        return
    if x.shape[0] == 1:
        raise batch_of_one(objective)
    if x.shape[0] is None:  # a tf.data set that does not drop its remainder
        assertions.assert_several(x, str(batch_of_one(objective)))


def check_sizes(objective: Any, key: str, samples: int, batch_size: int | None, least: int = 2) -> None:
    """Raise `UserError` if arrays have too few samples to train on, or a batch of one where samples are compared.

    Args:
        objective: An `Objective`.
        key: Key of the arrays in batches.
        samples: Their number.
        batch_size: The `batch_size` of `fit`; None is Keras's, 32.
        least: Smallest number of samples. Default: 2.
    """
    if samples < least:
        do = "check the path or the split of the data"
        raise UserError(f"at least {least} sample{'s' * (least > 1)} as '{key}'", f"{samples}", do)
    batch_size = min(samples, batch_size or 32)
    if objective.compares_samples and (batch_size < 2 or samples % batch_size == 1):
        raise batch_of_one(objective)


def batch_of_one(objective: Any) -> UserError:
    """Return the error for a batch with a single sample."""
    return UserError(
        f"at least 2 samples in each batch, since {type(objective).__name__} compares them",
        "a batch of 1",
        "raise `batch_size`, and drop the rest: `data.batches(…, drop_remainder=True)`",
    )


def arrays_in(objective: Any, x: Any) -> dict[str, Samples]:
    """Return the arrays in `x`, the argument of `fit`, by batch key; an empty dict for a data set.

    Args:
        objective: An `Objective`.
        x: Dict of arrays, samples that belong to the only key, or a data set.
    """
    parts = by_key(objective, x)
    if not isinstance(parts, dict):
        return {}
    keys = (*objective.batch_keys, *objective.optional_keys)
    given = {key: parts[key] for key in keys if key in parts}
    return {
        key: keras.tree.map_structure(np.asarray, samples)
        for key, samples in given.items()
        if all(hasattr(leaf, "__array__") for leaf in keras.tree.flatten(samples))
    }
