"""Two views of each sample."""

from keras_ssl.batch_keys import view_keys
from keras_ssl.errors import UserError
from keras_ssl.typing import Batch, Operation, Samples, Tensor
from keras_ssl.views.policy import split_seed

__all__ = ["Pair", "Twice", "pair", "twice"]


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


class Twice:
    """Each sample twice, unchanged; made by `twice`.

    Attributes:
        keys: Names of the views, `("view_1", "view_2")`.
        pure: True.
        identical: True, so that `check_views` does not ask for a difference.
    """

    keys = view_keys()
    pure = True
    identical = True

    def __call__(self, samples: Samples, seed: Tensor) -> Batch:
        """Return `{"view_1": samples, "view_2": samples}`; `seed` has no effect."""
        del seed
        return dict.fromkeys(self.keys, samples)

    def __repr__(self):
        return "Twice()"


def twice() -> Twice:
    """Give each sample to the encoder twice, unchanged, for encoders whose dropout makes two views of it.

    Objectives refuse such batches if the encoder has no dropout: its two outputs would be equal.

    Returns:
        A `Twice`, a function `(samples, seed)` that returns `{"view_1": samples, "view_2": samples}`.

    Reference:
        Gao et al. 2021, "SimCSE: Simple Contrastive Learning of Sentence Embeddings", section 3.

    Example:
        `data.batches(source, views=views.twice())`
    """
    return Twice()
