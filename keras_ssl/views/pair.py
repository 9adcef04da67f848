"""Two views of each image."""

from keras_ssl.batch_keys import view_keys
from keras_ssl.errors import UserError
from keras_ssl.typing import Batch, Operation, Tensor
from keras_ssl.views.policy import split_seed

__all__ = ["Pair", "pair"]


class Pair:
    """Two independent views of each image; made by `pair`.

    Args:
        policy: Function `(images, seed) -> images` that makes the first view.
        other: Function that makes the second view.

    Attributes:
        keys: Names of the views, `("view_1", "view_2")`.
        pure: Whether both policies are pure, so that they may be compiled (XLA, `jax.jit`).
    """

    keys = view_keys()

    def __init__(self, policy: Operation, other: Operation):
        self.policy = policy
        self.other = other
        self.pure = getattr(policy, "pure", False) and getattr(other, "pure", False)

    def __call__(self, images: Tensor, seed: Tensor) -> Batch:
        """Return `{"view_1": …, "view_2": …}`.

        Args:
            images: Float tensor of shape `(n, h, w, c)` in 0..1.
            seed: Integer tensor of shape `(2,)`.
        """
        first, second = split_seed(seed, 2)
        return {"view_1": self.policy(images, first), "view_2": self.other(images, second)}

    def __repr__(self):
        return f"Pair({self.policy!r}, {self.other!r})"


def pair(policy: Operation, other: Operation | None = None) -> Pair:
    """Make two independent views of each image.

    Args:
        policy: Function `(images, seed) -> images`, such as `views.digits()`.
        other: Policy of the second view, for asymmetric pairs. Default: `policy` again.

    Returns:
        A `Pair`, a function `(images, seed)` that returns `{"view_1": …, "view_2": …}`.

    Raises:
        UserError: If a policy is not callable.

    Example:
        BYOL's pair: `views.pair(views.natural_images(32, blur=1.0, solarize=0.0),
        views.natural_images(32, blur=0.1, solarize=0.2))`
    """
    other = policy if other is None else other
    for one in (policy, other):
        if not callable(one):
            raise UserError("a policy, a function (images, seed)", repr(one), "give `views.digits()`, for instance")
    return Pair(policy, other)
