"""Checks of arguments, as early as they are given."""

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["check_between", "check_method"]


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
