"""Views of images that have texts: the images change, their texts stay."""

from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.typing import Batch, Operation, Tensor

__all__ = ["Captioned", "captioned"]


class Captioned:
    """One view of each image beside its text; made by `captioned`.

    Args:
        policy: Function `(images, seed) -> images`, or None.

    Attributes:
        keys: Names of what a batch holds, `("image", "ids")`.
        pure: Whether the policy is pure, so that it may be compiled (XLA, `jax.jit`).
        identical: Whether there is no policy, so that `check_views` does not ask for a difference.
    """

    keys = ("image", "ids")

    def __init__(self, policy: Operation | None):
        self.policy = policy
        self.pure = policy is None or getattr(policy, "pure", False)
        self.identical = policy is None

    def __call__(self, samples: Batch, seed: Tensor) -> Batch:
        """Return `{"image": …, "ids": …}`.

        Args:
            samples: Dict with "image", floats `(n, h, w, c)` in 0..1, and "ids" `(n, length)`.
            seed: Integer tensor of shape `(2,)`.

        Raises:
            UserError: If the samples are no pairs.
        """
        if not isinstance(samples, dict) or set(samples) != set(self.keys):
            received: Any = f"a dict of {', '.join(samples)}" if isinstance(samples, dict) else "one tensor"
            raise UserError("pairs of 'image' and 'ids'", received, "make the source by `data.pairs`")
        image = samples["image"]
        return {"image": image if self.policy is None else self.policy(image, seed), "ids": samples["ids"]}

    def __repr__(self):
        return f"Captioned({self.policy!r})"


def captioned(policy: Operation | None = None) -> Captioned:
    """Make a view of each image, and leave its text as it is: the batches of `objectives.CLIP`.

    Policies that mirror, recolor or crop away what texts speak of make texts wrong: "left", "red", "two cups".

    Args:
        policy: Function `(images, seed) -> images`, such as `views.natural_images(64, scale=(0.5, 1.0))`. Default:
            None, images stay as they are, too.

    Returns:
        A `Captioned`, a function `(samples, seed)` that returns `{"image": …, "ids": …}`.

    Raises:
        UserError: If the policy is not callable.

    Example:
        `data.batches(data.pairs("pictures.csv"), views=views.captioned(views.natural_images(64)))`
    """
    if policy is not None and not callable(policy):
        raise UserError("a policy, a function (images, seed)", repr(policy), "give `views.natural_images(64)`, or none")
    return Captioned(policy)
