"""Checks of arguments, as early as they are given."""

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["check_between", "check_method", "check_probability", "check_range"]


def check_method(model, name):
    """Raise unless a model has a method.

    Args:
        model: Any object.
        name: Of the method, such as "reconstruct".

    Raises:
        UserError: If it has none.
    """
    if not callable(getattr(model, name, None)):
        raise UserError(f"a model with a method `{name}`", type(model).__name__, "give an objective that has one")


def check_between(name, value, least=None, most=None, above=None, below=None, whole=False):
    """Raise unless a hyperparameter is in its range. What is no number, such as a schedule, is not looked at.

    Args:
        name: Of the argument.
        value: What was given.
        least: Smallest value that is allowed, or None.
        most: Largest value that is allowed, or None.
        above: What it must be larger than, or None.
        below: What it must be smaller than, or None.
        whole: Whether it must be a whole number.

    Raises:
        UserError: With the range.
    """
    if not isinstance(value, int | float | np.number):
        return
    fits = (least is None or value >= least) and (most is None or value <= most)
    fits = fits and (above is None or value > above) and (below is None or value < below)
    fits = fits and (not whole or isinstance(value, int | np.integer))
    if not fits or np.isnan(value):
        bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        bounds += [f"above {above}"] * (above is not None) + [f"below {below}"] * (below is not None)
        kind = " as a whole number" if whole else ""
        raise UserError(f"{name}{kind} {' and '.join(bounds)}", f"{value}", f"give another `{name}`")


def check_range(name, value, lowest, highest):
    """Return `value` as a pair of floats, or raise unless `lowest <= first <= second <= highest`.

    Args:
        name: What the error calls the range.
        value: Pair of numbers.
        lowest: Smallest value that makes sense.
        highest: Largest value that makes sense.

    Raises:
        UserError: When it is not such a pair.
    """
    numbers = isinstance(value, (tuple, list)) and all(isinstance(end, (int, float)) for end in value)
    if not numbers or len(value) != 2 or not lowest <= value[0] <= value[1] <= highest:
        raise UserError(
            f"{name} as numbers (low, high) with {lowest:g} <= low <= high <= {highest:g}",
            repr(value),
            "give a range within these bounds; its docstring has the default",
        )
    return float(value[0]), float(value[1])


def check_probability(name, value):
    """Return `value`, or raise unless it is a number in 0..1.

    Args:
        name: What the error calls it.
        value: The number.

    Raises:
        UserError: When it is not.
    """
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UserError(f"{name} in 0..1", repr(value), "give a probability: 0 is never, 1 is always")
    return value
