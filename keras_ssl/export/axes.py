"""Names and sizes of axes, and the samples on which a signature is verified."""

import dataclasses
import math
from collections import defaultdict
from typing import Any

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.export.samples import COUNT, random_samples, verification_samples, with_extremes
from keras_ssl.export.signatures import Serving
from keras_ssl.specs import KINDS, Spec
from keras_ssl.typing import Samples

__all__ = ["Layout", "layout"]

_SIZES = (64, 16, 256, 1024, 4096, 16384)
"""Sizes of open axes that are tried, in this order, where no samples are given."""

_FEW, _MOST = 2**16, 2**22
"""Values of a sample: sizes of larger ones are tried last, or not at all. Videos have up to three open axes."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The axes of a signature, and its samples.

    Attributes:
        inputs: Names of the axes of each input, "batch" first.
        outputs: Names of the axes of each output, "batch" first.
        sizes: The sizes of the open axes at which it is verified, by name: two of each, or none.
        shapes: Shapes of the outputs for two samples.
        samples: A dict of 32 samples of each input, the last two of extreme values; if there are open axes, another
            dict of 2 of other sizes.
        given: Whether the samples are the caller's.
    """

    inputs: dict[str, list[str]]
    outputs: dict[str, list[str]]
    sizes: dict[str, list[int]]
    shapes: dict[str, tuple[int, ...]]
    samples: list[dict[str, np.ndarray]]
    given: bool


def layout(served: Serving, samples: Samples | None = None) -> Layout:
    """Return the axes of a signature, and samples of at most two sizes for each open axis, which Keras has answered.

    Args:
        served: The signature.
        samples: Samples as the client sends them: an array, or a dict of them by name. Default: random ones, seed 0.

    Returns:
        `Layout`. The second size of an open axis is twice the first, or half of it if the model does not take that;
        with several open axes also three times, four times and so on, so that none are mixed up.

    Raises:
        UserError: If the samples do not fit, Keras cannot answer them, or an answer is not finite.
    """
    specs = served.specs
    names = _input_axes(specs)
    axes = list(dict.fromkeys(a for n, s in specs.items() for a, size in zip(names[n], s.shape) if size is None))[1:]
    if samples is not None:
        first = verification_samples(samples, specs)
        sizes = {a: first[n].shape[k] for n in specs for k, a in enumerate(names[n]) if a in axes}
    else:
        tried = [dict.fromkeys(axes, size) for size in (_sizes(specs) if axes else (0,))]
        sizes = _that_keras_takes(served, names, tried)
        first = random_samples(specs, names, sizes, COUNT)
    first = with_extremes(first, specs)
    _check_finite(served, first)
    kept, shapes = [first], [_shapes(served, first)]
    measured = {axis: [size] for axis, size in sizes.items()}
    if axes:
        tried = [{a: (k + 2) * sizes[a] for k, a in enumerate(axes)}, {a: max(sizes[a] // 2, 1) for a in axes}]
        other = _that_keras_takes(served, names, tried)
        kept.append(random_samples(specs, names, other, 2))
        shapes.append(_shapes(served, kept[1]))
        measured = {axis: [sizes[axis], other[axis]] for axis in axes}
    outputs = {name: _output_axes([s[name] for s in shapes], measured) for name in shapes[0]}
    return Layout(names, outputs, measured, shapes[0], kept, samples is not None)


def _input_axes(specs: dict[str, Spec]) -> dict[str, list[str]]:
    """Names of the axes of each input. Open axes of ids and masks have one size; those of other inputs their own."""
    names = {}
    for name, spec in specs.items():
        own = KINDS[spec.kind].axes if spec.kind else ()
        rank = len(spec.shape) - 1
        names[name] = ["batch", *(own if len(own) == rank else [f"axis_{k + 1}" for k in range(rank)])]
    owners: dict[str, set[str]] = defaultdict(set)
    for name, spec in specs.items():
        for axis, size in zip(names[name][1:], spec.shape[1:]):
            if size is None:
                owners[axis].add(name if spec.is_float else "")
    for name, spec in specs.items():
        if spec.is_float:
            names[name][1:] = [
                f"{name}_{axis}" if size is None and len(owners[axis]) > 1 else axis
                for axis, size in zip(names[name][1:], spec.shape[1:])
            ]
    return names


def _sizes(specs):
    """The sizes to try, with which samples have not too many values."""
    shapes = [spec.shape[1:] for spec in specs.values()]
    values = {size: max(math.prod(n or size for n in shape) for shape in shapes) for size in _SIZES}
    return sorted((n for n in _SIZES if n == min(_SIZES) or values[n] <= _MOST), key=lambda n: values[n] > _FEW)


def _that_keras_takes(served, names, tried):
    """The first of some sizes of which Keras answers a sample."""
    error: Exception | None = None
    for sizes in tried:
        try:
            served.answer(random_samples(served.specs, names, sizes, 1))
        except UserError:
            raise
        except Exception as refusal:  # whatever a layer raises at a size that it does not take
            error = refusal
        else:
            return sizes
    if not tried[0]:
        raise UserError("a model that answers", f"{type(error).__name__}: {error}", "call it on samples first")
    raise UserError(
        f"a model that takes any size along {', '.join(tried[0])}, as its inputs say",
        f"{type(error).__name__}: {error} at each of {[list(sizes.values()) for sizes in tried]}",
        "give `samples` of a size that it takes, or build it with `keras.Input` of a fixed size",
    ) from error


def _check_finite(served, samples):
    """Raise unless Keras's answer to each sample is finite."""
    for name, y in served.answer(samples).items():
        if "float" not in y.dtype.name or np.isfinite(y).all():
            continue
        k = int(np.argmin(np.isfinite(y).reshape(len(y), -1).all(axis=1)))
        kinds = {COUNT - 2: "the sample of lowest values, all 0 for images,", COUNT - 1: "the sample of highest values"}
        raise UserError(
            f"finite outputs '{name}'",
            f"NaN or Inf for {kinds.get(k, f'sample {k}')}",
            "change the layer that cannot take it, as log(x) to log(x + 1e-6) and x / sum(x) to x / (sum(x) + 1e-6)",
        )


def _shapes(served, samples):
    """Shapes of the outputs for a batch of two."""
    return {name: y.shape for name, y in served.answer({key: x[:2] for key, x in samples.items()}).items()}


def _output_axes(shapes: list[Any], sizes: dict[str, list[int]]) -> list[str]:
    """Names of an output's axes: an axis that has the size of an input's open axis each time has its name."""
    names = ["batch"] if shapes[0] else []
    for k in range(1, len(shapes[0])):
        seen = [shape[k] for shape in shapes]
        same = [axis for axis, values in sizes.items() if values == seen and len(set(seen)) > 1]
        names.append(same[0] if same else "features" if k == len(shapes[0]) - 1 else f"axis_{k}")
    return names
