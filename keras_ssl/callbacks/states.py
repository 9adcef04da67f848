"""The state of callbacks: which have one, and how it is kept in a checkpoint."""

import json
from collections.abc import Sequence
from typing import Any

import keras

from keras_ssl.errors import UserError

__all__ = ["check_callbacks", "pack", "set_states", "states", "unpack"]

_ATTRIBUTES: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("best", "best_epoch", "best_weights", "wait", "stopped_epoch"),
    keras.callbacks.ModelCheckpoint: ("best",),  # with `save_freq` in steps it has more, and is refused
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
}
"""In which attributes Keras's callbacks have their state, beside what follows from their arguments."""

_STATELESS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.History,
    keras.callbacks.LambdaCallback,
    keras.callbacks.LearningRateScheduler,  # it is called with the epoch, and the rate is the optimizer's
    keras.callbacks.ProgbarLogger,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TensorBoard,
    keras.callbacks.TerminateOnNaN,
)


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Raise unless the state of every callback can be kept.

    A callback keeps its state with two methods: `get_state()` returns a dict, whose values are None, booleans, numbers,
    strings, arrays, or lists and dicts of these; `set_state(state)` takes it, after `on_train_begin`. One without a
    state returns an empty dict. Of Keras's callbacks `EarlyStopping`, `ModelCheckpoint` and `ReduceLROnPlateau` are
    known, and those without a state; so are all of this package. A subclass of Keras's may have more state, and is not.

    Args:
        callbacks: Those that stand beside `Resume`.

    Raises:
        UserError: If there is one that neither is known nor has these methods, or would lose what it wrote before.
    """
    for callback in callbacks:
        own = type(callback).__module__.split(".")[0] == "keras_ssl"
        if not (own or _has_methods(callback) or type(callback) in (*_ATTRIBUTES, *_STATELESS)):
            raise UserError(
                "callbacks whose state can be kept",
                type(callback).__name__,
                "give it `get_state()`, which returns a dict (an empty one if it has no state), and `set_state(state)`",
            )
        if isinstance(callback, keras.callbacks.CSVLogger) and not callback.append:
            raise UserError("a CSVLogger that keeps earlier epochs", "append=False", "give `append=True`")
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_freq != "epoch":
            raise UserError(
                "a ModelCheckpoint that saves after epochs",
                f"save_freq={callback.save_freq}",
                "give `save_freq='epoch'`",
            )


def states(callbacks: Sequence[keras.callbacks.Callback]) -> list[Any]:
    """Return pairs of class name and state of those callbacks that have one.

    Args:
        callbacks: Callbacks that `check_callbacks` accepts.
    """
    found = []
    for callback in callbacks:
        if type(callback) in _ATTRIBUTES:
            state = {name: getattr(callback, name) for name in _ATTRIBUTES[type(callback)] if hasattr(callback, name)}
            found.append([type(callback).__name__, state])
        elif _has_methods(callback):
            found.append([type(callback).__name__, callback.get_state()])
    return found


def set_states(callbacks: Sequence[keras.callbacks.Callback], stored: list[Any]) -> None:
    """Give callbacks the states that `states` returned.

    Args:
        callbacks: Callbacks of the same classes in the same order.
        stored: What `states` returned.

    Raises:
        UserError: If they are of other classes.
    """
    having = [callback for callback in callbacks if type(callback) in _ATTRIBUTES or _has_methods(callback)]
    old, new = [name for name, _ in stored], [type(callback).__name__ for callback in having]
    if old != new:
        raise UserError(
            f"the callbacks with a state that the run was started with: {', '.join(old) or 'none'}",
            ", ".join(new) or "none",
            "give the same in the same order, or start anew in another folder",
        )
    for callback, (_, state) in zip(having, stored):
        if _has_methods(callback):
            callback.set_state(state)
        else:
            vars(callback).update(state)


def pack(state: Any) -> list[bytes]:
    """Return a state as strings: its structure as JSON, then its arrays, in which no bit is lost.

    Args:
        state: None, boolean, number, string, array, or a list or dict of these.

    Raises:
        UserError: If there is anything else in it.
    """
    import tensorflow as tf

    arrays: list[bytes] = []

    def as_json(value):
        if hasattr(value, "__array__"):
            arrays.append(tf.io.serialize_tensor(tf.convert_to_tensor(value)).numpy())
            return {"array": len(arrays), "dtype": tf.as_dtype(value.dtype).name}
        raise UserError(
            "a state of None, booleans, numbers, strings, arrays, and lists and dicts of these",
            type(value).__name__,
            "return such a one from `get_state()`",
        )

    structure = json.dumps(state, default=as_json).encode()
    return [structure, *arrays]


def unpack(strings: Sequence[bytes]) -> Any:
    """Return the state that `pack` made strings of; arrays are NumPy's, and tuples have become lists.

    Args:
        strings: What `pack` returned.
    """
    import tensorflow as tf

    def from_json(value):
        if value.keys() == {"array", "dtype"}:
            return tf.io.parse_tensor(strings[value["array"]], value["dtype"]).numpy()
        return value

    return json.loads(strings[0], object_hook=from_json)


def _has_methods(callback):
    return all(callable(getattr(callback, name, None)) for name in ("get_state", "set_state"))
