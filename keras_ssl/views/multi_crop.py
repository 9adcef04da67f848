"""Two large views and several small crops of each image."""

from keras_ssl.batch_keys import view_keys
from keras_ssl.checks import check_counts
from keras_ssl.errors import UserError
from keras_ssl.typing import Batch, Operation, Tensor
from keras_ssl.views.policy import split_seed

__all__ = ["MultiCrop", "multi_crop"]


class MultiCrop:
    """Two large views and several small crops of each image; made by `multi_crop`.

    Args:
        policy: Function `(images, seed) -> images` that makes the large views.
        crop_policy: Function that makes the small crops.
        crops: Number of small crops.

    Attributes:
        keys: Names of the views, `("view_1", "view_2", "crop_1", …)`.
        pure: Whether both policies are pure, so that they may be compiled (XLA, `jax.jit`).
    """

    def __init__(self, policy: Operation, crop_policy: Operation, crops: int):
        check_counts(crops=crops)
        self.policy, self.crop_policy = policy, crop_policy
        self.keys = view_keys(crops)
        self.pure = getattr(policy, "pure", False) and getattr(crop_policy, "pure", False)

    def __call__(self, images: Tensor, seed: Tensor) -> Batch:
        """Return `{"view_1": …, "view_2": …, "crop_1": …, …}`.

        Args:
            images: Float tensor of shape `(n, h, w, c)` in 0..1.
            seed: Integer tensor of shape `(2,)`.
        """
        seeds = zip(self.keys, split_seed(seed, len(self.keys)))
        return {key: (self.policy if "view" in key else self.crop_policy)(images, its) for key, its in seeds}

    def __repr__(self):
        return f"MultiCrop({self.policy!r}, {self.crop_policy!r}, {len(self.keys) - 2} crops)"


def multi_crop(policy: Operation, crop_policy: Operation, crops: int = 4) -> MultiCrop:
    """Make two large views and several small crops of each image, for SwAV and DINO.

    Args:
        policy: Function `(images, seed) -> images`, such as `views.natural_images(32, scale=(0.3, 1))`.
        crop_policy: Policy for the small crops, such as `views.natural_images(16, scale=(0.05, 0.3))`.
        crops: Number of small crops, at least 1. Default: 4.

    Returns:
        A `MultiCrop`, a function `(images, seed)` that returns a dict of the views.

    Raises:
        UserError: If a policy is not callable, or there is no crop.

    Reference:
        Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments", section 3.2.
    """
    for one in (policy, crop_policy):
        if not callable(one):
            raise UserError("a policy, a function (images, seed)", repr(one), "give `views.natural_images(32)`, say")
    return MultiCrop(policy, crop_policy, crops)
