"""Policies: operations in order, each with its own seed."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream
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
    """Operations applied in order, each with its own seed. The result is clipped to 0..1.

    Args:
        operations: Non-empty list of functions `(images, seed) -> images`, such as `views.flip()`.
        name: Name of the policy in messages and figures. Default: `"policy"`.

    Attributes:
        pure: Whether the result depends only on images and seed, so that the policy may be compiled (XLA, `jax.jit`).

    Raises:
        UserError: If `operations` is not a non-empty list of callables.

    Example:
        `views.Policy([views.flip(), views.noise(stddev=(0, 0.05))], name="mirrored")`
    """

    def __init__(self, operations: Sequence[Operation], name: str = "policy"):
        self.operations = list(operations)
        self.name = name
        if not self.operations or not all(callable(operation) for operation in self.operations):
            raise UserError(
                "a list of at least one operation (images, seed) -> images",
                repr(operations),
                "give operations such as `views.flip()`; make a policy of Keras layers by `views.from_layers`",
            )
        self.pure = all(getattr(operation, "pure", True) for operation in self.operations)

    def __call__(self, images: Tensor, seed: Tensor) -> Tensor:
        """Return one view of each image.

        Args:
            images: Float tensor of shape `(n, h, w, c)` in 0..1.
            seed: Integer tensor of shape `(2,)`; the same seed gives the same views.

        Returns:
            Float tensor of shape `(n, h', w', c)` in 0..1.

        Raises:
            UserError: If `images` does not have four dimensions.
        """
        images = ops.convert_to_tensor(images, dtype="float32")
        if len(images.shape) != 4:
            raise UserError(
                "a batch of images of shape (n, height, width, channels)",
                f"shape {tuple(images.shape)}",
                "add the missing axis; one image is `image[None]`, grayscale ones are `images[..., None]`",
            )
        for operation, its_seed in zip(self.operations, split_seed(seed, len(self.operations))):
            images = operation(images, its_seed)
        return ops.clip(images, 0.0, 1.0)

    def __repr__(self):
        return f"Policy({self.name!r}, {len(self.operations)} operations)"
