"""Penalties on weights: λ·R(w), added to the loss."""

from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.distribute import scope_of
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers
from keras_ssl.transfer.finding import Layers, resolve

__all__ = ["L2SP", "regularize", "restart_penalties"]


class L2SP:
    """L2-SP: half the squared distance of weights from where they started, times a strength, `λ/2 ‖w - w⁰‖²`.

    Args:
        strength: λ, at least 0. Default: 0.01, which was not tuned: choose it on a part of the labels.

    Raises:
        UserError: If the strength is negative.

    Reference:
        Li, Grandvalet & Davoine 2018, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", the
        penalty "L2-SP". Its penalty of the head, which has no start, is `keras.regularizers.L2`.
    """

    def __init__(self, strength: float = 0.01) -> None:
        check_between("strength", strength, least=0)
        self.strength = strength

    def start_at(self, variable: keras.Variable) -> "_Distance":
        """Return the penalty of one variable from its present value.

        Args:
            variable: The variable.
        """
        return _Distance(self.strength, variable)


class _Sum(keras.regularizers.Regularizer):
    """Several penalties of one variable."""

    def __init__(self, parts):
        self.parts = parts

    def __call__(self, w):
        return sum(part(w) for part in self.parts)


class _Distance(keras.regularizers.Regularizer):
    """The penalty of one variable."""

    def __init__(self, strength, variable):
        self.strength, self.variable = strength, variable
        self.start = keras.Variable(variable, trainable=False, autocast=False, name=f"{variable.name}_start")

    def restart(self):
        """Measure from where the variable is now."""
        self.start.assign(self.variable)

    def __call__(self, w):
        return 0.5 * self.strength * ops.sum(ops.square(w - ops.cast(self.start, w.dtype)))


def regularize(model: keras.Model, penalty: Any, layers: Layers = "encoder") -> None:
    """Add `λ·R(w)` of the weights of layers to the loss of `fit`.

    Penalties that the layers have already stay, except one of the same class: a second `L2SP` takes the place of the
    first. Only weights that train count. The penalty is no part of a saved model: after loading it, call this again,
    and with `L2SP` on the weights that it shall stay near, before later ones are loaded into it. A compiled model takes
    it from its next `fit` on.

    Args:
        model: Built `keras.Model`.
        penalty: `L2SP(strength)`, for all weights of the layers; or one of `keras.regularizers`, such as
            `L2(1e-4)`, for their kernels, which are the weights of two or more axes.
        layers: Layers, names or globs over paths. Default: "encoder".

    Raises:
        UserError: If nothing fits `layers`, or the penalty is none of these.

    Example:
        `transfer.regularize(classifier, transfer.L2SP(0.01))`
    """
    if not isinstance(penalty, (L2SP, keras.regularizers.Regularizer)):
        raise UserError("`transfer.L2SP` or one of `keras.regularizers`", repr(penalty), "give `transfer.L2SP(0.01)`")
    for layer in dict.fromkeys(inner for chosen in resolve(model, layers) for inner in all_layers(chosen)):
        for variable in layer._trainable_variables:
            if isinstance(penalty, L2SP):
                with scope_of(model):
                    _add(variable, penalty.start_at(variable))
            elif len(variable.shape) > 1:
                _add(variable, penalty)
    model.train_function = model.test_function = None  # compiled without it


def _add(variable, penalty):
    others = [part for part in _parts(variable) if type(part) is not type(penalty)]
    variable.regularizer = _Sum([*others, penalty]) if others else penalty


def _parts(variable):
    """The penalties of a variable."""
    own = variable.regularizer
    return own.parts if isinstance(own, _Sum) else [] if own is None else [own]


def restart_penalties(model: keras.Model) -> None:
    """Let `L2SP` measure from the present weights.

    Args:
        model: `keras.Model` that `regularize` was called on.
    """
    parts = (part for variable in model.trainable_variables for part in _parts(variable))
    distances = [part for part in parts if isinstance(part, _Distance)]
    for distance in distances:
        distance.restart()
    if distances and keras.backend.backend() == "jax":
        model.train_function = model.test_function = None  # they hold the old start as a constant
