"""The samples on which an artifact is verified."""

from collections.abc import Mapping

import numpy as np

from keras_ssl.checks import check_shape, without_missing
from keras_ssl.errors import UserError
from keras_ssl.specs import KINDS, Spec, check_values
from keras_ssl.typing import Samples

__all__ = ["COUNT", "random_samples", "verification_samples", "with_extremes"]

COUNT = 32
"""Number of samples that are compared: the largest batch."""


def random_samples(
    specs: dict[str, Spec], axes: dict[str, list[str]], sizes: dict[str, int], count: int
) -> dict[str, np.ndarray]:
    """Return random samples of each input, from seeds 0, 1, ….

    Args:
        specs: What is sent, by name.
        axes: Names of the axes of each input.
        sizes: Sizes of the open axes, by name.
        count: Number of samples.
    """
    return {
        name: spec.sample(count, k, tuple(sizes[a] for a, n in list(zip(axes[name], spec.shape))[1:] if n is None))
        for k, (name, spec) in enumerate(specs.items())
    }


def with_extremes(samples: dict[str, np.ndarray], specs: dict[str, Spec]) -> dict[str, np.ndarray]:
    """Return samples whose last one is all highest in each float, and whose last but one is all lowest.

    Where a range is open they are all 0 and all 1. A black image is what `log(x)` and `x / sum(x)` fail at. Ids and
    masks, which say what there is in a sample, are left as they are.

    Args:
        samples: Dict of arrays.
        specs: What is sent, by name.
    """
    samples = dict(samples)
    for name, spec in specs.items():
        low, high = spec.low, spec.high
        if spec.is_float or spec.kind in ("image", "audio"):  # which may be stored as integers
            bounds = (0, 1) if low is None or high is None else (low, high)
            samples[name] = np.concatenate([samples[name][:-2], [np.full_like(samples[name][0], b) for b in bounds]])
    return samples


def verification_samples(samples: Samples, specs: dict[str, Spec]) -> dict[str, np.ndarray]:
    """Return `COUNT` samples of each input: the first ones, repeated if there are fewer.

    Missing values become 0: what is verified is what clients send, and these send finite numbers.

    Args:
        samples: Array as the client sends it, or a dict of them by name.
        specs: What is sent, by name.

    Returns:
        Dict of arrays `(32, …)` of the dtypes that are sent.

    Raises:
        UserError: If the samples do not fit.
    """
    if not isinstance(samples, Mapping) and len(specs) == 1:
        samples = {next(iter(specs)): samples}
    if isinstance(samples, Mapping):
        samples = {name: np.asarray(x) for name, x in samples.items()}
        for name in set(samples) & set(specs):
            _check_dtype(name, samples[name], specs[name])
    check_values(specs, samples, "samples")
    missing = {name for name, spec in specs.items() if spec.missing}
    known = {name: without_missing(samples[name], name) if name in missing else samples[name] for name in specs}
    return {name: np.resize(x, (COUNT, *x.shape[1:])).astype(specs[name].dtype) for name, x in known.items()}


def _check_dtype(name, samples, spec):
    stored = KINDS[spec.kind].stored if spec.kind else {}
    if spec.kind == "image":
        check_shape(samples, spec.shape[-1], at_least=1, name="samples")
        if any(want not in (None, size) for want, size in zip(spec.shape[1:], samples.shape[1:])):
            received = f"shape {samples.shape}"
            raise UserError(f"samples of shape {spec.shape}", received, "resize them to what the model takes")
    if spec.dtype in stored and samples.dtype != spec.dtype:
        raise UserError(
            f'samples of dtype {spec.dtype} ({spec.low:g}..{spec.high:g}) for input_dtype="{spec.dtype}"',
            f"dtype {samples.dtype}",
            f'give `np.round({stored[spec.dtype]:g} * samples).astype("{spec.dtype}")` if they are floats, or export '
            'with input_dtype="float32"',
        )
    if spec.is_float and samples.dtype.name in stored:
        raise UserError(
            f'samples as {spec.values} for input_dtype="float32"',
            f"dtype {samples.dtype}",
            f'give `samples.astype("float32") / {stored[samples.dtype.name]:g}`, or export with '
            f'input_dtype="{samples.dtype}"',
        )
