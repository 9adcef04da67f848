"""Checks of arguments."""

from typing import Any

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["check_between", "check_counts", "check_method", "check_range", "check_widths"]


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
    schedule: bool = False,
) -> None:
    """Raise unless an argument is a number in its range.

    Args:
        name: Name of the argument.
        value: Its value. Booleans, strings, None and arrays are no numbers.
        least: Smallest allowed value, or None.
        most: Largest allowed value, or None.
        above: Number that the value must exceed, or None.
        below: Number that the value must stay below, or None.
        whole: Whether it must be an integer. Default: False.
        schedule: Whether it may also be a `LearningRateSchedule`, whose value at step 0 must be in the range. Default:
            False.

    Raises:
        UserError: If it is not; the error gives the range.
    """
    number, received = value, f"{value}" if _is_number(value) else repr(value)
    if schedule and _is_schedule(value):
        _check_floats(name, value)
        number = float(value(0))
        received = f"a schedule that starts at {number:g}"
    fits = _is_number(number) and (not whole or isinstance(number, int | np.integer)) and bool(np.isfinite(number))
    fits = fits and (least is None or number >= least) and (most is None or number <= most)
    fits = fits and (above is None or number > above) and (below is None or number < below)
    if not fits:
        bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        bounds += [f"above {above}"] * (above is not None) + [f"below {below}"] * (below is not None)
        kind = " as a whole number" if whole else "" if _is_number(number) else " as a number"
        kind += " or a schedule" if schedule and kind else ""
        raise UserError(f"{name}{kind} {' and '.join(bounds)}".rstrip(), received, f"give another `{name}`")


def check_counts(**values: Any) -> None:
    """Raise unless each argument is a whole number of at least 1.

    Args:
        **values: The arguments by name.

    Raises:
        UserError: If one is not; the error names the first.
    """
    for name, value in values.items():
        check_between(name, value, least=1, whole=True)


def check_widths(**values: Any) -> None:
    """Raise unless each argument is a tuple or list of at least one whole number of at least 1.

    Args:
        **values: The arguments by name, such as `filters`.

    Raises:
        UserError: If one is not; the error names the first.
    """
    for name, widths in values.items():
        if not isinstance(widths, tuple | list) or not widths:
            raise UserError(f"at least one number of {name}", f"{name}={widths!r}", f"give `{name}=(32, 64)`, say")
        for width in widths:
            check_between(name, width, least=1, whole=True)


def _is_number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _check_floats(name, schedule):
    """Raise if a schedule starts at a Python integer: Keras then makes all of its values integers."""
    try:
        config = schedule.get_config()
    except NotImplementedError:  # one's own
        return
    first = config.get("initial_learning_rate", (config.get("values") or [0.0])[0])
    if isinstance(first, int):
        kind = type(schedule).__name__
        raise UserError(
            f"{name} as a schedule of floats",
            f"a {kind} that starts at {first}",
            f"write {first}.0: Keras would cut all to integers",
        )


def _is_schedule(value):
    import keras  # here, because nothing else in this package needs it

    return isinstance(value, keras.optimizers.schedules.LearningRateSchedule)


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
    numbers = isinstance(value, (tuple, list)) and all(_is_number(end) for end in value)
    if not numbers or len(value) != 2 or not lowest <= value[0] <= value[1] <= highest:
        raise UserError(
            f"{name} as numbers (low, high) with {lowest:g} <= low <= high <= {highest:g}",
            repr(value),
            "give a range within these bounds; its docstring has the default",
        )
    return float(value[0]), float(value[1])
