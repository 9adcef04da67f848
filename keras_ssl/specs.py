"""What a model takes and a batch holds: shape, dtype and range of each named tensor.

This is the only file that knows kinds of data. The kind of an input is the name of its `keras.Input`, which survives
saving, cloning and nesting: `keras.Input((None, 3), name="series")`.
"""

import dataclasses
from typing import Any, TypeAlias

import keras
import numpy as np

from keras_ssl import checks
from keras_ssl.errors import UserError
from keras_ssl.networks import is_graph
from keras_ssl.typing import Samples, Shape, Tensor

__all__ = [
    "KINDS",
    "Kind",
    "Spec",
    "Specs",
    "check",
    "check_values",
    "inputs_like",
    "kind_of",
    "specs_of",
    "without_range",
]

_UNKNOWN = 16  # of random samples, along an axis of any size


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        axes: Names of the axes of one sample.
        dtype: Dtype of a batch.
        low: Lowest value, or None for any.
        high: Highest value, or None for any.
        stored: Dtypes in which data of this kind may be stored besides, and what their values are divided by.
    """

    axes: tuple[str, ...]
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None
    stored: dict[str, float] = dataclasses.field(default_factory=dict)


KINDS: dict[str, Kind] = {
    "image": Kind(("height", "width", "channels"), low=0.0, high=1.0, stored={"uint8": 255.0}),
    "video": Kind(("time", "height", "width", "channels"), low=0.0, high=1.0, stored={"uint8": 255.0}),
    "audio": Kind(("time",), low=-1.0, high=1.0, stored={"int16": 32768.0}),
    "series": Kind(("time", "channels")),
    "row": Kind(("features",)),
    "ids": Kind(("time",), "int32", low=0),
    "mask": Kind(("time",), "int32", low=0, high=1),
}
"""Kinds by the name of the input. In ids 0 is padding; a mask is 1 where there is something."""


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
    """

    shape: Shape
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None
    kind: str | None = None

    @property
    def is_float(self) -> bool:
        """Whether the tensor holds floats."""
        return "float" in self.dtype

    @property
    def values(self) -> str:
        """Describe the values, such as "floats in 0..1"."""
        words = "floats" if self.is_float else "integers"
        if self.low is None and self.high is None:
            return words
        low, high = ("" if bound is None else f"{bound:g}" for bound in (self.low, self.high))
        return f"{words} in {low}..{high}"

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
                "give samples of this shape, or build the model for the shape of the data"
                + ("; one sample is `x[None]`" if len(shape) == len(self.shape) - 1 else ""),
            )
        dtype = keras.backend.standardize_dtype(x.dtype)
        if ("float" in dtype) != self.is_float:
            raise UserError(
                f"{name} as {self.values}",
                f"dtype {dtype}",
                f"use `data.batches`, which converts; or cast to {self.dtype}"
                + (" (images to 0..1: divide uint8 by 255)" if self.kind in ("image", "video") else ""),
            )

    def check_values(self, name: str, x: np.ndarray) -> None:
        """Check the values of an array, after `check_tensor`.

        Args:
            name: Name of the array in errors.
            x: NumPy array, batch first.

        Raises:
            UserError: If values are not finite or out of range; the error has the index of the first such sample.
        """
        if self.is_float:
            low, high = -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high
            checks.check_values(x, (low, high), name)
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
            sizes: Sizes of the axes that may have any size, in order; 16 for those that it lacks. Default: None.
        """
        rng, given = np.random.default_rng(seed), iter(sizes or ())
        shape = (count, *(next(given, _UNKNOWN) if size is None else size for size in self.shape[1:]))
        low, high = 0.0 if self.low is None else self.low, 1.0 if self.high is None else self.high
        if self.is_float:
            return (low + (high - low) * rng.random(shape)).astype(self.dtype)
        return rng.integers(int(low), int(high) + 1, shape).astype(self.dtype)

    def to_json(self) -> dict[str, Any]:
        """Return a dict for a JSON file, from which `Spec(**…)` makes an equal one but for the type of the shape."""
        return {**dataclasses.asdict(self), "shape": list(self.shape)}


Specs: TypeAlias = Spec | dict[str, Spec]


def kind_of(name: str, rank: int, dtype: str) -> str:
    """Return the kind of an input: its name if that is one of `KINDS`, else the kind that its axes and dtype suggest.

    Args:
        name: Name of the input.
        rank: Number of its axes, with the batch.
        dtype: Name of its dtype.

    Returns:
        One of `KINDS`: for integers "ids", or "mask" if the name ends so; for floats "row", "series", "image" and
        "video" of two to five axes.

    Raises:
        UserError: If it has more axes, or none.
    """
    if name in KINDS:
        return name
    if "float" not in dtype:
        return "mask" if name.endswith("mask") else "ids"
    if rank not in (2, 3, 4, 5):
        raise UserError(
            f"an input of a known kind: {', '.join(KINDS)}", f"'{name}' of {rank} axes", "name the `keras.Input` so"
        )
    return {2: "row", 3: "series", 4: "image", 5: "video"}[rank]


def specs_of(model: keras.Model) -> Specs:
    """Return what a model takes: a `Spec`, or a dict of them by name if it has several inputs.

    Args:
        model: Functional or built sequential `keras.Model`.

    Raises:
        UserError: If it is another one, whose inputs are not known.
    """
    if not is_graph(model):
        raise UserError(
            "a functional or built sequential keras.Model, whose inputs are known",
            f"a {type(model).__name__}",
            "wrap it: `inputs = keras.Input(…, name='image')`, `keras.Model(inputs, model(inputs))`",
        )
    inputs = _inputs(model)
    return {name: _spec(model, x) for name, x in inputs.items()} if isinstance(inputs, dict) else _spec(model, inputs)


def inputs_like(model: keras.Model) -> Any:
    """Return new `keras.Input`s like those of a model: one, or a dict of them by name.

    Args:
        model: See `specs_of`.
    """
    return keras.tree.map_structure(lambda x: keras.Input(x.shape[1:], dtype=x.dtype, name=x.name), _inputs(model))


def _inputs(model):
    """The inputs of a functional model: one symbolic tensor, or a dict of them."""
    struct = _graph(model).input
    if isinstance(struct, dict):
        return struct
    tensors = keras.tree.flatten(struct)
    return tensors[0] if len(tensors) == 1 else {x.name: x for x in tensors}


def _graph(model):
    """The functional model inside a sequential one, which has neither `input` nor nodes of its own."""
    return model._functional if isinstance(model, keras.Sequential) else model


def _spec(model, x):
    dtype = keras.backend.standardize_dtype(x.dtype)
    kind = kind_of(x.name, len(x.shape), dtype)
    low, high = KINDS[kind].low, KINDS[kind].high
    if kind == "ids":
        size = _vocabulary(model, x)
        high = None if size is None else size - 1
    return Spec(tuple(x.shape), dtype, low, high, kind)


def _vocabulary(model, x):
    """Size of the embedding that reads an input, directly or in a nested model; None if there is none."""
    for nodes in _graph(model)._nodes_by_depth.values():
        for node in nodes:
            places = [k for k, tensor in enumerate(node.arguments.keras_tensors) if tensor is x]
            if places and is_graph(node.operation):
                size = _vocabulary(node.operation, node.operation.inputs[places[0]])
            elif places:
                size = getattr(node.operation, "input_dim", None)
            else:
                continue
            if size is not None:
                return size
    return None


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
            raise UserError(f"at least {at_least} samples as {its_name}", f"{len(x)}", "check the split of the data")
        spec.check_values(its_name, x)
    if len(set(lengths.values())) > 1:
        raise UserError(
            "as many samples in each array", ", ".join(f"{n} of {key}" for key, n in lengths.items()), "pair them again"
        )


def without_range(specs: Specs) -> Specs:
    """Return specs that take any finite value in place of floats in a range."""
    return keras.tree.map_structure(
        lambda spec: dataclasses.replace(spec, low=None, high=None) if spec.is_float else spec, specs
    )


def _pairs(specs, samples, name):
    """Each spec with its tensor and the tensor's name in errors."""
    if isinstance(specs, Spec):
        if isinstance(samples, (dict, list, tuple)):
            names = (
                f"a dict of {', '.join(map(str, samples))}"
                if isinstance(samples, dict)
                else f"a {type(samples).__name__}"
            )
            raise UserError(f"{name} as one tensor of shape {specs.shape}", names, "give the tensor itself")
        return [(specs, samples, name)]
    if not isinstance(samples, dict) or set(samples) != set(specs):
        names = ", ".join(map(str, samples)) if isinstance(samples, dict) else f"a {type(samples).__name__}"
        raise UserError(
            f"{name} as a dict of {', '.join(specs)}",
            f"a dict of {names}" if isinstance(samples, dict) else names,
            "give every input of the model by its name, and nothing else",
        )
    return [(spec, samples[key], f"{name}, {key}," if name else key) for key, spec in specs.items()]
