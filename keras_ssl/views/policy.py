"""A policy is a list of operations, each with a seed of its own."""

import keras
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream

__all__ = ["Policy", "split_seed"]


def split_seed(seed, count):
    """Draw `count` seeds from one, so that what uses different ones shares no draws.

    Args:
        seed: Integer tensor of shape `(2,)`.
        count: Number of seeds.

    Returns:
        List of `count` integer tensors of shape `(2,)`.
    """
    seeds = keras.random.randint((count, 2), 0, 2**31 - 1, seed=SeedStream(seed))
    return [seeds[k] for k in range(count)]


class Policy:
    """Single operations, applied in order, each with its own seed; at the end values are clipped to 0..1.

    Args:
        operations: Non-empty list of functions `(images, seed) -> images`, such as `views.flip()`.
        name: What the policy is called in messages and pictures. Default `"policy"`.

    Attributes:
        pure: Whether the result depends on images and seed alone, so that the policy may be compiled (XLA, `jax.jit`).

    Raises:
        UserError: When `operations` is not a non-empty list of callables.

    Example:
        `views.Policy([views.flip(), views.noise(stddev=(0, 0.05))], name="mirrored")`
    """

    def __init__(self, operations, name="policy"):
        self.operations = list(operations)
        self.name = name
        if not self.operations or not all(callable(operation) for operation in self.operations):
            raise UserError(
                "a list of at least one operation (images, seed) -> images",
                repr(operations),
                "give operations such as `views.flip()`, called; Keras layers go through `views.from_layers`",
            )
        self.pure = all(getattr(operation, "pure", True) for operation in self.operations)

    def __call__(self, images, seed):
        """Return one view of each image.

        Args:
            images: Float tensor of shape `(n, h, w, c)` in 0..1.
            seed: Integer tensor of shape `(2,)`; the same seed gives the same views.

        Returns:
            Float tensor of shape `(n, h', w', c)` in 0..1.

        Raises:
            UserError: When `images` has not four dimensions.
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
