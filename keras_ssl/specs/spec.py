"""What one tensor of a batch must be."""

import dataclasses
from typing import Any, TypeAlias

import keras
import numpy as np

from keras_ssl import checks
from keras_ssl.errors import UserError
from keras_ssl.specs.kinds import KINDS
from keras_ssl.typing import Shape, Tensor

__all__ = ["Spec", "Specs", "describe", "from_json", "plural", "to_json", "without_missing", "without_range"]

_UNKNOWN = 16  # of random samples, along an axis of any size
_SELDOM = ("longest", "missing")
_NO_NAN = "fill in missing values, or use an encoder that takes NaN for them, such as `encoders.dilated_conv`"


@dataclasses.dataclass(frozen=True)
class Spec:
    """What one tensor of a batch must be.

    Args:
        shape: Shape, batch first; None for any size.
        dtype: Name of the dtype. All floats fit a float dtype, and all integers and booleans another one. Default:
            "float32".
        low: Lowest value, or None for any. Default: None.
        high: Highest value, or None for any. Default: None.
        kind: One of `KINDS`, or None if it is of no kind. Default: None.
        longest: Largest size of an axis of any size, such as the number of learned positions, or None. Default: None.
        missing: Whether a float may be NaN, for a value that is missing. Default: False.
    """

    shape: Shape
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None
    kind: str | None = None
    longest: int | None = None
    missing: bool = False

    @property
    def is_float(self) -> bool:
        """Whether the tensor holds floats."""
        return "float" in self.dtype

    @property
    def is_bounded(self) -> bool:
        """Whether the tensor holds integers up to a known one, such as ids of a vocabulary."""
        return not self.is_float and self.high is not None

    @property
    def values(self) -> str:
        """Describe the values, such as "floats in 0..1"."""
        words = "floats" if self.is_float else "integers"
        if self.low is None and self.high is None:
            return words
        low, high = ("" if bound is None else f"{bound:g}" for bound in (self.low, self.high))
        return f"{words} in {low}..{high}"

    def __str__(self):
        longest = "" if self.longest is None else f", at most {self.longest} long,"
        return f"{self.kind or 'tensor'} of shape {self.shape}{longest} as {self.values}"

    def check_tensor(self, name: str, x: Tensor) -> None:
        """Check the shape and the dtype of a tensor or an array, which are known inside a graph.

        Args:
            name: Name of the tensor in errors.
            x: Tensor, batch first.

        Raises:
            UserError: If they do not fit.
        """
        if getattr(x.shape, "rank", len(self.shape)) is None:
            raise UserError(
                f"{name} of shape {self.shape}",
                "a tensor of unknown rank",
                "let the data set know it: `tf.ensure_shape(x, …)` in its last `map`, or `output_signature=` of "
                "`from_generator`",
            )
        shape = tuple(x.shape)
        fits = len(shape) == len(self.shape)
        if not fits or any(None not in (a, b) and a != b for a, b in zip(shape[1:], self.shape[1:])):
            raise UserError(
                f"{name} of shape {self.shape}",
                f"shape {shape}",
                self._advice(shape),
            )
        length = max((a for a, b in zip(shape[1:], self.shape[1:]) if b is None and a is not None), default=0)
        if self.longest is not None and length > self.longest:
            raise UserError(
                f"{name} of at most {self.longest} places",
                f"{length}",
                "cut them, or build the encoder with a larger `max_length`",
            )
        dtype = keras.backend.standardize_dtype(x.dtype)
        if ("float" in dtype) != self.is_float:
            raise UserError(
                f"{name} as {self.values}",
                f"dtype {dtype}",
                f"use `data.batches`, which converts; or cast to {self.dtype}"
                + (" (images to 0..1: divide uint8 by 255)" if self.kind in ("image", "video") else ""),
            )

    def _advice(self, shape):
        """What to do about another shape."""
        if len(shape) == len(self.shape) - 1:
            if self.shape[-1] == 1 and _alike(shape[1:], self.shape[1:-1]) and not _alike(shape, self.shape[1:]):
                return "add the axis of channels, of which gray images have one: `x[..., None]`"
            return "give several (`dataset.batch(32)` of a data set), or one as `x[None]`"
        sizes = "load them with `size=` and the channels that the model was built for" if self.kind == "image" else ""
        return f"{sizes or 'give samples of this shape'}, or build the model for the shape of the data"

    def check_values(self, name: str, x: np.ndarray) -> None:
        """Check the values of an array, after `check_tensor`.

        Args:
            name: Name of the array in errors.
            x: NumPy array, batch first.

        Raises:
            UserError: If values are not finite or out of range, or all values of a sample are missing; the error has
                the index of the first such sample.
        """
        if self.is_float:
            low, high = -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high
            in_time = self.kind is not None and KINDS[self.kind].axes[0] == "time"
            do = _NO_NAN if self.kind is not None and KINDS[self.kind].missing and not self.missing else None
            known = checks.without_missing(x, name) if self.missing else x
            checks.check_values(known, (low, high), name, in_time=in_time, do=do)
            return
        outside = np.zeros(x.shape, bool)
        if self.low is not None:
            outside |= x < self.low
        if self.high is not None:
            outside |= x > self.high
        if outside.any():
            first = np.argwhere(outside)[0]
            raise UserError(
                f"{name} as {self.values}",
                f"{x[tuple(first)]} at index {first[0]} ({outside.sum()} outside in all)",
                "number them from 0 to one less than the size of the model's embedding; 0 is padding",
            )

    def sample(self, count: int, seed: int = 0, sizes: tuple[int, ...] | None = None) -> np.ndarray:
        """Return random samples that fit.

        Args:
            count: Number of samples.
            seed: Seed of the draw. Default: 0.
            sizes: Sizes of the axes that may have any size, in order; 16, or `longest`, for those that it lacks.
                Default: None.
        """
        rng, given = np.random.default_rng(seed), iter(sizes or ())
        unknown = min(_UNKNOWN, self.longest or _UNKNOWN)
        shape = (count, *(next(given, unknown) if size is None else size for size in self.shape[1:]))
        low, high = 0.0 if self.low is None else self.low, 1.0 if self.high is None else self.high
        if self.is_float:
            return (low + (high - low) * rng.random(shape)).astype(self.dtype)
        return rng.integers(int(low), int(high) + 1, shape).astype(self.dtype)

    def to_json(self) -> dict[str, Any]:
        """Return a dict for a JSON file, with the arguments by name; `longest` and `missing` only if there are."""
        described = {**dataclasses.asdict(self), "shape": list(self.shape)}
        return {name: value for name, value in described.items() if name not in _SELDOM or value not in (None, False)}


def _alike(shape, other):
    return len(shape) == len(other) and all(None in pair or pair[0] == pair[1] for pair in zip(shape, other))


Specs: TypeAlias = Spec | dict[str, Spec]
"""What a model takes: one tensor, or several by name."""


def describe(specs: Specs) -> str:
    """Return specs in words, such as "image of shape (None, 8, 8, 1) as floats in 0..1".

    Args:
        specs: A `Spec`, or a dict of them.
    """
    return str(specs) if isinstance(specs, Spec) else ", ".join(f"{name}: {spec}" for name, spec in specs.items())


def plural(specs: Specs) -> str:
    """Return what several samples are called, such as "images", or "rows of ids with masks".

    Args:
        specs: A `Spec` of some kind, or a dict of them.
    """
    found = [specs] if isinstance(specs, Spec) else list(specs.values())
    return " with ".join(KINDS[spec.kind].plural if spec.kind else "tensors" for spec in found)


def to_json(specs: Specs) -> dict[str, Any]:
    """Return specs as a dict for a JSON file; see `Spec.to_json`.

    Args:
        specs: A `Spec`, or a dict of them.
    """
    if isinstance(specs, Spec):
        return specs.to_json()
    return {name: spec.to_json() for name, spec in specs.items()}


def from_json(described: dict[str, Any]) -> Specs:
    """Return the specs that `to_json` described.

    Args:
        described: The result of `to_json`, perhaps from a file.
    """
    if isinstance(described.get("shape"), list):
        return Spec(**{**described, "shape": tuple(described["shape"])})
    return {name: Spec(**{**spec, "shape": tuple(spec["shape"])}) for name, spec in described.items()}


def without_range(specs: Specs) -> Specs:
    """Return specs that take any finite value in place of floats in a range."""
    return keras.tree.map_structure(
        lambda spec: dataclasses.replace(spec, low=None, high=None) if spec.is_float else spec, specs
    )


def without_missing(specs: Specs) -> Specs:
    """Return specs that take no NaN."""
    return keras.tree.map_structure(lambda spec: dataclasses.replace(spec, missing=False), specs)
