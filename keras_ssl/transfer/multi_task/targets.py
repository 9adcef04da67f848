"""Labels and losses of several tasks: what fits, and which labels are known."""

from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np
from keras import ops

from keras_ssl.checks import as_array, check_labels
from keras_ssl.errors import UserError
from keras_ssl.losses import WhereKnown, each_binary_crossentropy
from keras_ssl.losses.missing_labels import known_elements
from keras_ssl.transfer.checking import takes_class_numbers
from keras_ssl.transfer.missing import check_some_count
from keras_ssl.trees import count
from keras_ssl.typing import Samples, Tensor

__all__ = ["by_task", "check_targets", "for_metrics", "is_discrete", "joined_metrics", "sample_weights", "where_known"]


def by_task(tasks: Sequence[str], given: Any, what: str) -> dict[str, Any]:
    """Return a dict with something for each task, in their order.

    Args:
        tasks: Names of the tasks.
        given: What the user gave: a dict with these keys.
        what: What it is, in the plural, such as "labels".

    Raises:
        UserError: If it is no dict, a task is missing, or a key is not a task.
    """
    names = ", ".join(tasks)
    if not isinstance(given, Mapping):
        received = "none" if given is None else f"a {type(given).__name__}"
        raise UserError(f"{what} as a dict by task: {names}", received, f"give `{{'{tasks[0]}': …, …}}`")
    if unknown := [key for key in given if key not in tasks]:
        raise UserError(f"{what} of the tasks {names}", ", ".join(map(repr, unknown)), "use the names of the tasks")
    if missing := [task for task in tasks if given.get(task) is None]:
        raise UserError(
            f"{what} of the tasks {names}",
            f"none of {', '.join(missing)}",
            "give them, too; labels that are unknown are -1 among class numbers and NaN among numbers"
            if what == "labels"
            else "give them, too",
        )
    return {task: given[task] for task in tasks}


def where_known(loss: Any) -> WhereKnown:
    """Return a loss that is averaged over known labels: `losses.WhereKnown` of it, unless it is one.

    Args:
        loss: What `losses.WhereKnown` takes. Of "binary_crossentropy" each label counts for itself.
    """
    if isinstance(loss, WhereKnown):
        return loss
    return WhereKnown(each_binary_crossentropy if loss == "binary_crossentropy" else loss)


def is_discrete(loss: WhereKnown) -> bool:
    """Return whether a loss is a cross-entropy of classes.

    Args:
        loss: Loss of a task.
    """
    return "crossentropy" in getattr(loss.loss, "__name__", type(loss.loss).__name__).lower().replace("_", "")


def joined_metrics(tasks: Sequence[str], *given: Any) -> dict[str, list[Any]] | None:
    """Return the metrics of each task, from several dicts of them.

    Args:
        tasks: Names of the tasks.
        *given: Dicts of a metric or a list of metrics by task, or None.

    Raises:
        UserError: If one is something else, or a key is not a task.
    """
    joined: dict[str, list[Any]] = {}
    for one in given:
        if one is not None and not isinstance(one, Mapping):
            raise UserError("metrics as a dict by task", f"a {type(one).__name__}", f"give `{{'{tasks[0]}': […]}}`")
        for task, metrics in (one or {}).items():
            if task not in tasks:
                raise UserError(f"metrics of the tasks {', '.join(tasks)}", repr(task), "use the names of the tasks")
            joined.setdefault(task, []).extend(metrics if isinstance(metrics, (list, tuple)) else [metrics])
    return joined or None


def sample_weights(tasks: Sequence[str], given: Any) -> dict[str, Tensor | None]:
    """Return the sample weights of each task.

    Args:
        tasks: Names of the tasks.
        given: None, weights `(n,)` for all tasks, or a dict of weights by task.
    """
    return {task: given.get(task) if isinstance(given, Mapping) else given for task in tasks}


def for_metrics(y: Tensor, loss: WhereKnown, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return labels without missing ones, and weights for metrics, which are 0 where they were missing.

    Args:
        y: Labels of a task.
        loss: Its loss.
        weights: Sample weights, or None.

    Returns:
        Pair of the labels, 0 where they are unknown, and float32 weights: one for each class number, or for each vector
        of numbers.
    """
    y = ops.convert_to_tensor(y)
    known = known_elements(y)
    filled = ops.where(known, y, ops.zeros_like(y))
    if not takes_class_numbers(loss.loss) and len(known.shape) > 1:
        known = ops.all(known, axis=-1)
    known = ops.cast(known, "float32")
    if weights is None:
        return filled, known
    weights = ops.cast(weights, "float32")
    while len(weights.shape) < len(known.shape):
        weights = weights[..., None]
    return filled, known * weights


# ---- checks ----------------------------------------------------------------------------------------------------------


def check_targets(model: Any, x: Samples, y: Any, whole: bool) -> None:
    """Raise unless a compiled `MultiTask` can be trained on labels.

    Args:
        model: A `MultiTask`.
        x: Samples, as arrays.
        y: Their labels by task.
        whole: Whether these are all, so that each task needs a label.

    Raises:
        UserError: If labels of a task are missing, of the wrong kind, shape or range, or all unknown.
    """
    labels = by_task(model.tasks, y, "labels")
    if not getattr(model, "compiled", False):
        return  # Keras says so
    for task, given in labels.items():
        array, shape = as_array(given, f"labels of '{task}'", strings=True), (count(x), *model.output[task].shape[1:])
        loss = model.loss[task]
        numbered = array.dtype.kind in "iu" and shape[-1] != 1 and _fits(array.shape, shape[:-1])
        if takes_class_numbers(loss.loss) or (numbered and _is_own(loss.loss)):
            known = _known_classes(task, array, shape)
        else:
            known = _known_numbers(task, array, shape)
        if whole and not known.any():
            raise UserError(
                f"at least one known label of '{task}'",
                f"{array.size} that are all unknown",
                "leave the task out, or check where its labels come from",
            )
        if whole and array.dtype.kind == "f" and not known.all():
            values = array if array.ndim == len(shape) else array[..., None]
            check_some_count(loss, values, f"labels of '{task}'")


def _is_own(loss):
    """Whether a loss is the user's, which may take class numbers."""
    module = loss.__module__ if isinstance(loss, FunctionType) else type(loss).__module__
    return module.split(".")[0] not in ("keras", "keras_ssl")


def _known_classes(task, labels, shape):
    if labels.dtype.kind not in "iu":
        raise UserError(
            f"class numbers of '{task}' as integers, -1 where they are unknown",
            f"dtype {labels.dtype}",
            "convert them: `np.where(np.isnan(labels), -1, labels).astype('int64')`"
            if labels.dtype.kind == "f"
            else "number the classes: `names, labels = np.unique(labels, return_inverse=True)`",
        )
    if not _fits(labels.shape, shape[:-1]):
        raise UserError(
            f"class numbers of '{task}' of shape {shape[:-1]}", f"shape {labels.shape}", "give one for each sample"
        )
    known = labels != -1
    check_labels(np.where(known, labels, 0).reshape(-1), classes=shape[-1], name=f"labels of '{task}'")
    return known


def _known_numbers(task, values, shape):
    if values.dtype.kind != "f":
        raise UserError(
            f"numbers of '{task}' as floats, NaN where they are unknown",
            f"dtype {values.dtype}",
            "convert them: `values.astype('float32')`; compile with the loss 'sparse_categorical_crossentropy' if they "
            "are class numbers",
        )
    if not (_fits(values.shape, shape) or (shape[-1] == 1 and _fits(values.shape, shape[:-1]))):
        raise UserError(f"numbers of '{task}' of shape {shape}", f"shape {values.shape}", "give one for each output")
    if np.isinf(values).any():
        first = np.argwhere(np.isinf(values))[0][0]
        raise UserError(f"finite numbers of '{task}', or NaN", f"Inf at index {first}", "set unknown ones to NaN")
    return ~np.isnan(values)


def _fits(shape, wanted):
    """Whether a shape is the wanted one, in which None stands for any size."""
    return len(shape) == len(wanted) and all(want in (None, size) for size, want in zip(shape, wanted))
