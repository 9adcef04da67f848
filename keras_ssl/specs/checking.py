"""Checks of samples against specs."""

from keras_ssl.errors import UserError
from keras_ssl.specs.spec import Spec, Specs
from keras_ssl.typing import Samples

__all__ = ["check", "check_values"]


def check(specs: Specs, samples: Samples, name: str) -> None:
    """Check that samples have the structure, shapes and dtypes of specs.

    Args:
        specs: A `Spec`, or a dict of them.
        samples: Tensor or array, or a dict of them.
        name: Name of the samples in errors, such as "'view_1'".

    Raises:
        UserError: If they do not; it names the tensor.
    """
    for spec, x, its_name in _pairs(specs, samples, name):
        spec.check_tensor(its_name, x)


def check_values(specs: Specs, samples: Samples, name: str, at_least: int = 1) -> None:
    """Check that samples in memory have the structure, shapes, dtypes and values of specs, and are enough.

    Args:
        specs: See `check`.
        samples: NumPy array, or a dict of them.
        name: See `check`.
        at_least: Smallest number of samples. Default: 1.

    Raises:
        UserError: If they do not; it names the array and the first wrong sample.
    """
    lengths = {}
    for spec, x, its_name in _pairs(specs, samples, name):
        spec.check_tensor(its_name, x)
        lengths[its_name] = len(x)
        if len(x) < at_least:
            what = f"samples as {its_name}" if "'" in its_name else its_name
            raise UserError(f"at least {at_least} {what}", f"{len(x)}", "check the path or the split of the data")
        spec.check_values(its_name, x)
    if len(set(lengths.values())) > 1:
        raise UserError(
            "as many samples in each array", ", ".join(f"{n} of {key}" for key, n in lengths.items()), "pair them again"
        )


def _pairs(specs, samples, name):
    """Each spec with its tensor and the tensor's name in errors."""
    if isinstance(specs, Spec):
        if isinstance(samples, (dict, list, tuple)):
            raise UserError(
                f"{name} as one tensor of shape {specs.shape}", _structure(samples), "give the tensor itself"
            )
        return [(specs, samples, name)]
    if not isinstance(samples, dict) or set(samples) != set(specs):
        raise UserError(
            f"{name} as a dict of {', '.join(specs)}",
            _structure(samples),
            "give every input of the model by its name, and nothing else",
        )
    return [(spec, samples[key], f"{name}, {key}," if name else key) for key, spec in specs.items()]


def _structure(samples):
    if isinstance(samples, dict):
        return f"a dict of {', '.join(map(str, samples))}"
    return f"a {type(samples).__name__}"
