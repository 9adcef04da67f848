"""A check, on the first images, that views are what training needs."""

import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.typing import Operation, Tensor

__all__ = ["check_views"]

SAMPLES = 32  # enough that random views are not all equal by accident
DRAWS = 3


def check_views(views: Operation, images: Tensor, seed: tuple[int, int] = (0, 0)) -> None:
    """Raise if views are identical, outside 0..1, not finite, or do not fit the images.

    Args:
        views: Function `(images, seed)` that returns images (a policy) or a dict of them (a pair).
        images: Float array of shape `(n, h, w, c)` in 0..1. The first 32 are used; fewer are repeated.
        seed: Two integers. Default: `(0, 0)`.

    Raises:
        UserError: If two views of a dict are equal in three draws; if a policy returns the same for three seeds;
            or if a view has NaN or Inf, values outside 0..1 by more than 1e-3, or another number of samples, channels
            or dimensions than the images.
    """
    images = np.asarray(images, dtype="float32")
    images = np.resize(images, (SAMPLES, *images.shape[1:])) if len(images) < SAMPLES else images[:SAMPLES]
    draws = []
    for k in range(DRAWS):
        result = views(ops.convert_to_tensor(images), ops.convert_to_tensor([seed[0], seed[1] + k], dtype="int32"))
        named = result if isinstance(result, dict) else {"the view": result}
        draws.append({name: ops.convert_to_numpy(view) for name, view in named.items()})
        for name, view in draws[-1].items():
            _check_view(name, view, images)
        if _differ(draws, is_dict=isinstance(result, dict)):
            return
    raise UserError(
        "views that differ from one another",
        f"identical ones from {views!r} in each of {DRAWS} draws over {SAMPLES} images",
        "give a policy that draws from its seed, or check that the images are not all of one value; "
        "`views.preview(policy, images)` shows what it does",
    )


def _differ(draws, is_dict):
    if not is_dict:
        return len(draws) > 1 and any(_unlike(draws[0]["the view"], draw["the view"]) for draw in draws[1:])
    views = list(draws[-1].values())
    return all(_unlike(one, other) for k, one in enumerate(views) for other in views[:k])


def _unlike(one, other):
    return one.shape != other.shape or not np.allclose(one, other, atol=1e-6)


def _check_view(name, view, images):
    fits = view.ndim == 4 and len(view) == len(images) and view.shape[-1] == images.shape[-1]
    if not fits:
        raise UserError(
            f"a view of shape ({len(images)}, height, width, {images.shape[-1]}) from images of shape {images.shape}",
            f"{name} of shape {view.shape}",
            "return one image for each image, with its channels",
        )
    if not np.isfinite(view).all():
        raise UserError("finite views", f"NaN or Inf in {name}", "look for divisions and logarithms in the policy")
    low, high = float(view.min()), float(view.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise UserError(
            "views with values in 0..1",
            f"values in {low:g}..{high:g} in {name}",
            "wrap the operations in `views.Policy([...])`, which clips, or rescale what the policy returns",
        )
