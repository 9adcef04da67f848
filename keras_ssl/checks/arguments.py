"""Checks of arguments."""

from typing import Any

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["check_between", "check_method", "check_probability", "check_range"]


def check_method(model: Any, name: str) -> None:
    """Raise unless a model has a method.

    Args:
        model: Any object.
        name: Name of the method, such as "reconstruct".

    Raises:
        UserError: If it does not have one.
    """
    if not callable(getattr(model, name, None)):
        raise UserError(f"a model with a method `{name}`", type(model).__name__, "give an objective that has one")


def check_between(
    name: str,
    value: Any,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    whole: bool = False,
) -> None:
    """Raise unless an argument is in its range. Anything that is not a number, such as a schedule, passes.

    Args:
        name: Name of the argument.
        value: Its value.
        least: Smallest allowed value, or None.
        most: Largest allowed value, or None.
        above: Number that the value must exceed, or None.
        below: Number that the value must stay below, or None.
        whole: Whether it must be a whole number; then anything that is not a number is refused. Default: False.

    Raises:
        UserError: If it is out of the range; the error gives the range.
    """
    is_number = isinstance(value, int | float | np.number)
    if not is_number and not whole:
        return
    fits = is_number and (not whole or isinstance(value, int | np.integer))
    fits = fits and (least is None or value >= least) and (most is None or value <= most)
    fits = fits and (above is None or value > above) and (below is None or value < below)
    if not fits or np.isnan(value):
        bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        bounds += [f"above {above}"] * (above is not None) + [f"below {below}"] * (below is not None)
        kind = " as a whole number" if whole else ""
        raise UserError(
            f"{name}{kind} {' and '.join(bounds)}", f"{value}" if is_number else repr(value), f"give another `{name}`"
        )


def check_range(name: str, value: Any, lowest: float, highest: float) -> tuple[float, float]:
    """Return `value` as a pair of floats, or raise unless `lowest <= first <= second <= highest`.

    Args:
        name: Name of the argument in the error.
        value: Pair of numbers.
        lowest: Smallest allowed value.
        highest: Largest allowed value.

    Raises:
        UserError: If it is not such a pair.
    """
    numbers = isinstance(value, (tuple, list)) and all(isinstance(end, (int, float)) for end in value)
    if not numbers or len(value) != 2 or not lowest <= value[0] <= value[1] <= highest:
        raise UserError(
            f"{name} as numbers (low, high) with {lowest:g} <= low <= high <= {highest:g}",
            repr(value),
            "give a range within these bounds; its docstring has the default",
        )
    return float(value[0]), float(value[1])


def check_probability(name: str, value: float) -> float:
    """Return `value`, or raise unless it is a number in 0..1.

    Args:
        name: Name of the argument in the error.
        value: The number.

    Raises:
        UserError: If it is not.
    """
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UserError(f"{name} in 0..1", repr(value), "give a probability: 0 is never, 1 is always")
    return value
