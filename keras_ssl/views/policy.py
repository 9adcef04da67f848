"""Policies: operations in order, each with its own seed."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ssl.checks import check_axes
from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream
from keras_ssl.specs import KINDS
from keras_ssl.typing import Operation, Tensor

__all__ = ["Policy", "split_seed"]


def split_seed(seed: Tensor, count: int) -> list[Tensor]:
    """Draw `count` seeds from one, whose random draws are independent.

    Args:
        seed: Integer tensor of shape `(2,)`.
        count: Number of seeds.

    Returns:
        List of `count` integer tensors of shape `(2,)`.
    """
    seeds = keras.random.randint((count, 2), 0, 2**31 - 1, seed=SeedStream(seed))
    return [seeds[k] for k in range(count)]


class Policy:
    """Operations applied in order, each with its own seed. The result is clipped to the range of the kind of samples.

    Args:
        operations: Non-empty list of functions `(samples, seed) -> samples`, such as `views.flip()`.
        name: Name of the policy in messages and figures. Default: `"policy"`.
        kind: Kind of the samples, one of `specs.KINDS`. Default: `"image"`, in 0..1.

    Attributes:
        pure: Whether the result depends only on samples and seed, so that the policy may be compiled (XLA, `jax.jit`).

    Raises:
        UserError: If `operations` is not a non-empty list of callables, or the kind is unknown.

    Example:
        `views.Policy([views.flip(), views.noise(stddev=(0, 0.05))], name="mirrored")`
    """

    def __init__(self, operations: Sequence[Operation], name: str = "policy", kind: str = "image"):
        self.operations = list(operations)
        self.name = name
        self.kind = kind
        if kind not in KINDS:
            raise UserError(f"a kind among {', '.join(KINDS)}", repr(kind), "choose one of them")
        if not self.operations or not all(callable(operation) for operation in self.operations):
            raise UserError(
                "a list of at least one operation (images, seed) -> images",
                repr(operations),
                "give operations such as `views.flip()`; make a policy of Keras layers by `views.from_layers`",
            )
        self.pure = all(getattr(operation, "pure", True) for operation in self.operations)

    def __call__(self, samples: Tensor, seed: Tensor) -> Tensor:
        """Return one view of each sample.

        Args:
            samples: Tensor of the policy's kind: images are floats of shape `(n, h, w, c)` in 0..1.
            seed: Integer tensor of shape `(2,)`; the same seed gives the same views.

        Returns:
            Tensor of the same kind, perhaps of another size: `(n, h', w', c)`.

        Raises:
            UserError: If `samples` does not have the axes of its kind.
        """
        kind = KINDS[self.kind]
        samples = ops.convert_to_tensor(samples, dtype=kind.dtype)
        check_axes(samples.shape, kind.axes, f"a batch of {kind.plural}", "; or give a policy of another `kind`")
        for operation, its_seed in zip(self.operations, split_seed(seed, len(self.operations))):
            samples = operation(samples, its_seed)
        return samples if kind.low is None or kind.high is None else ops.clip(samples, kind.low, kind.high)

    def __repr__(self):
        return f"Policy({self.name!r}, {len(self.operations)} operations)"
