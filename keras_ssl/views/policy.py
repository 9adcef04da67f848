"""A policy is a list of operations; a pair is two draws of a policy."""

import keras
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream

__all__ = ["Policy", "Pair", "pair", "split_seed"]


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


class Pair:
    """Two independent views of each image; made by `pair`.

    Args:
        policy: Function `(images, seed) -> images` that makes the first view.
        other: The one that makes the second.

    Attributes:
        keys: Names of the views, `("view_1", "view_2")`.
        pure: Whether both policies say that they may be compiled (XLA, `jax.jit`).
    """

    keys = ("view_1", "view_2")

    def __init__(self, policy, other):
        self.policy = policy
        self.other = other
        self.pure = getattr(policy, "pure", False) and getattr(other, "pure", False)

    def __call__(self, images, seed):
        """Return `{"view_1": …, "view_2": …}`.

        Args:
            images: Float tensor of shape `(n, h, w, c)` in 0..1.
            seed: Integer tensor of shape `(2,)`.
        """
        first, second = split_seed(seed, 2)
        return {"view_1": self.policy(images, first), "view_2": self.other(images, second)}

    def __repr__(self):
        return f"Pair({self.policy!r}, {self.other!r})"


def pair(policy, other=None):
    """Make two independent views of each image.

    Args:
        policy: Function `(images, seed) -> images`, such as `views.digits()`.
        other: Policy of the second view, for asymmetric pairs. Default: `policy` again.

    Returns:
        A `Pair`: called with `(images, seed)` it returns `{"view_1": …, "view_2": …}`.

    Raises:
        UserError: When one of them is not callable.

    Example:
        BYOL's pair: `views.pair(views.natural_images(32, blur=1.0, solarize=0.0),
        views.natural_images(32, blur=0.1, solarize=0.2))`
    """
    other = policy if other is None else other
    for one in (policy, other):
        if not callable(one):
            raise UserError("a policy, a function (images, seed)", repr(one), "give `views.digits()`, for instance")
    return Pair(policy, other)
