"""What a client sends, and how the served graph turns it into what the model takes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.specs import KINDS, Spec
from keras_ssl.typing import Tensor

__all__ = ["Client", "PerChannel", "Sends", "ValueRange"]

ValueRange: TypeAlias = Sequence[float] | Mapping[str, Sequence[float]] | None
"""Lowest and highest value, or a dict of such pairs by name of the input."""
PerChannel: TypeAlias = float | Sequence[float] | Mapping[str, Any] | None
"""A number, one number for each channel, or a dict of them by name of the input."""


@dataclasses.dataclass(frozen=True)
class Client:
    """How one input becomes what the model takes: `(sent * std + mean) / divisor + offset`.

    Attributes:
        sent: What the client sends.
        taken: What the model takes.
        divisor: See above.
        offset: See above.
        mean: Number or array, or None where the client does not normalize.
        std: Number or array, or None.
    """

    sent: Spec
    taken: Spec
    divisor: float = 1.0
    offset: float = 0.0
    mean: np.ndarray | None = None
    std: np.ndarray | None = None

    def convert(self, x: Tensor) -> Tensor:
        """Return what the model takes, inside the served graph.

        Args:
            x: TensorFlow tensor as the client sends it.
        """
        import tensorflow as tf

        x = tf.cast(x, self.taken.dtype)
        x = x if self.std is None else x * tf.constant(self.std, x.dtype) + tf.constant(self.mean, x.dtype)
        x = x if self.divisor == 1 else x / self.divisor
        return x if self.offset == 0 else x + self.offset

    def read(self, samples: np.ndarray) -> np.ndarray:
        """Return what the model takes, for the reference: what the client meant, not computed as the graph does.

        Stored integers are looked up in a table of the values that they stand for; floats are mapped in float64 from
        the range that was sent to the range of the model. What the model takes as it is stays as it is.

        Args:
            samples: Array as the client sends it.
        """
        if self.sent == self.taken:
            return samples
        if not self.sent.is_float:
            low, high = int(self.sent.low or 0), int(self.sent.high or 0)
            table = np.arange(low, high + 1) / self.divisor + self.offset
            return table[samples.astype("int64") - low].astype(self.taken.dtype)
        x = samples.astype("float64")
        x = x if self.std is None or self.mean is None else self.mean + self.std * x
        if self.taken.low is not None:
            lowest_sent = (self.taken.low - self.offset) * self.divisor
            x = self.taken.low + (x - lowest_sent) / self.divisor
        return x.astype(self.taken.dtype)


@dataclasses.dataclass(frozen=True)
class Sends:
    """What clients send where that is not what the model takes. The arguments are those of `deploy`.

    Args:
        input_dtype: "float32", or a dtype in which data of an input's kind are stored: "uint8", "int16".
        value_range: Range of the values that a client sends.
        mean: What a client subtracted.
        std: What a client divided by, after it subtracted `mean`.
    """

    input_dtype: str = "float32"
    value_range: ValueRange = None
    mean: PerChannel = None
    std: PerChannel = None

    def __post_init__(self):
        stored = sorted({dtype for kind in KINDS.values() for dtype in kind.stored})
        if self.input_dtype not in ("float32", *stored):
            raise UserError(
                f"input_dtype 'float32' or {' or '.join(map(repr, reversed(stored)))}",
                repr(self.input_dtype),
                "choose one of them",
            )
        if (self.mean is None) != (self.std is None):
            raise UserError("both `mean` and `std`, or none", "one of them", "give the other: 0 and 1 change nothing")
        if self.input_dtype != "float32" and (self.std is not None or self.value_range is not None):
            raise UserError(
                f"a client that sends {self.input_dtype}, whose range is known",
                "`value_range`, `mean` or `std` besides",
                "leave them out, or use input_dtype='float32'",
            )

    def client(self, name: str, taken: Spec) -> Client:
        """Return how an input of the name and the spec is sent.

        Args:
            name: Name of the input.
            taken: What the model takes.

        Raises:
            UserError: If a range or statistics are not usable.
        """
        if not self.applies(name, taken):
            return Client(taken, taken)
        if self.input_dtype != "float32":
            return _stored(taken, self.input_dtype)
        value_range, mean, std = (_of(given, name) for given in (self.value_range, self.mean, self.std))
        return _floats(name, taken, value_range, mean, std)

    def applies(self, name: str, taken: Spec) -> bool:
        """Return whether the arguments say something about an input of this name and spec.

        Args:
            name: Name of the input.
            taken: What the model takes.
        """
        if not taken.is_float or None in (taken.low, taken.high):
            return False
        if self.input_dtype != "float32":
            return taken.kind is not None and self.input_dtype in KINDS[taken.kind].stored
        return _of(self.value_range, name) is not None or _of(self.std, name) is not None

    def check_used(self, taken: Mapping[str, Spec]) -> None:
        """Raise `UserError` if the arguments say nothing about any input.

        Args:
            taken: What the model takes, by the names of all inputs.
        """
        asked = self.input_dtype != "float32" or self.value_range is not None or self.std is not None
        if asked and not any(self.applies(name, spec) for name, spec in taken.items()):
            raise UserError(
                "an input whose values have a range, and whose kind may be stored so, for `input_dtype`, "
                "`value_range`, `mean` and `std`",
                "only " + ", ".join(f"'{name}' ({spec.kind}: {spec.values})" for name, spec in taken.items()),
                "leave them out, or check the names in them",
            )


def _stored(taken, dtype):
    """A client that sends stored integers: divided, unless the model takes them in the range in which they are."""
    low, high, divisor = np.iinfo(dtype).min, np.iinfo(dtype).max, KINDS[taken.kind].stored[dtype]
    sent = dataclasses.replace(taken, dtype=dtype, low=low, high=high)
    if taken.high == high:
        return Client(sent, taken)
    if (taken.low, taken.high) == (KINDS[taken.kind].low, KINDS[taken.kind].high):
        return Client(sent, taken, divisor)
    divisor = (high - low) / (taken.high - taken.low)
    return Client(sent, taken, divisor, taken.low - low / divisor)


def _floats(name, taken, value_range, mean, std):
    divisor, offset, bounds = 1.0, 0.0, (taken.low, taken.high)
    if value_range is not None:
        bounds = tuple(value_range)
        if len(bounds) != 2 or not np.isfinite(bounds).all() or not bounds[0] < bounds[1]:
            raise UserError(f"a lowest and a highest value as value_range of '{name}'", f"{value_range}", "give (0, 1)")
        divisor = (bounds[1] - bounds[0]) / (taken.high - taken.low)
        offset = taken.low - bounds[0] / divisor
    if std is not None:
        mean, std = (np.asarray(value, "float64") for value in (mean, std))
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()) or any(
            value.shape not in ((), taken.shape[-1:]) for value in (mean, std)
        ):
            raise UserError(
                f"finite `mean` and positive `std` of '{name}', numbers or one for each channel of {taken.shape}",
                f"mean={mean.tolist()}, std={std.tolist()}",
                "give one number for each channel",
            )
        bounds = (float(np.min((bounds[0] - mean) / std)), float(np.max((bounds[1] - mean) / std)))
    sent = dataclasses.replace(taken, low=float(bounds[0]), high=float(bounds[1]))
    return Client(sent, taken, divisor, offset, mean, std)


def _of(given, name):
    return given.get(name) if isinstance(given, Mapping) else given
