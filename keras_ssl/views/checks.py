"""A check, on the first samples, that views are what training needs."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.specs import KINDS, Specs, check_values, plural, stored_spec
from keras_ssl.trees import count, take
from keras_ssl.typing import Operation, Samples

__all__ = ["check_views"]

SAMPLES = 32  # enough that random views are not all equal by accident
DRAWS = 3


def check_views(views: Operation, samples: Samples, specs: Specs | None = None, seed: tuple[int, int] = (0, 0)) -> None:
    """Raise if views are identical, out of range, not finite, or do not fit the samples.

    Args:
        views: Function `(samples, seed)` that returns samples (a policy) or a dict of them by view (a pair).
            Views may be equal if it has a true attribute `identical`, as `twice()` has.
        samples: Array `(n, …)`, or a dict of arrays. The first 32 are used; fewer are repeated.
        specs: What the samples are. Default: images in 0..1.
        seed: Two integers. Default: `(0, 0)`.

    Raises:
        UserError: If the samples are not what `specs` say; if two views of a dict are equal in three draws; if a policy
            returns the same for three seeds; or if a view has NaN or Inf, values out of the kind's range by more than
            1e-3 of it, or another number of samples, axes or channels (the last axis of images, videos and series).
    """
    samples = keras.tree.map_structure(np.asarray, samples)
    if specs is None:
        specs = stored_spec("samples", np.shape(samples), "float32", "image")
    check_values(specs, samples, plural(specs))
    wanted = keras.tree.map_structure(_of_any_size, specs)
    samples = take(samples, np.arange(SAMPLES) % count(samples))
    draws: list[dict[str, Any]] = []
    for k in range(DRAWS):
        given = keras.tree.map_structure(lambda x, spec: ops.convert_to_tensor(x, dtype=spec.dtype), samples, specs)
        result = views(given, ops.convert_to_tensor([seed[0], seed[1] + k], dtype="int32"))
        several = isinstance(result, dict) and not (isinstance(specs, dict) and set(result) == set(specs))
        named = result if several else {"views": result}
        draws.append({name: keras.tree.map_structure(ops.convert_to_numpy, view) for name, view in named.items()})
        for name, view in draws[-1].items():
            _check_view(name, view, wanted)
        if getattr(views, "identical", False) or _differ(draws, several):
            return
    raise UserError(
        "views that differ from one another",
        f"identical ones from {views!r} in each of {DRAWS} draws over {SAMPLES} samples",
        "give a policy that draws from its seed, or check that the samples are not all of one value; "
        "`views.preview(policy, images)` shows what it does to images",
    )


def _of_any_size(spec):
    """The spec of a view: only channels, if there are any, are as before."""
    channels = spec.shape[-1:] if KINDS[spec.kind].axes[-1] == "channels" else ()
    return dataclasses.replace(spec, shape=(*[None] * (len(spec.shape) - len(channels)), *channels))


def _differ(draws, several):
    if not several:
        return len(draws) > 1 and any(_unlike(draws[0]["views"], draw["views"]) for draw in draws[1:])
    views = list(draws[-1].values())
    return all(_unlike(one, other) for k, one in enumerate(views) for other in views[:k])


def _unlike(one, other):
    """Whether any tensor of two views differs."""
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    return any(x.shape != y.shape or not np.allclose(x, y, atol=1e-6) for x, y in pairs)


def _check_view(name, view, wanted):
    check_values(wanted, view, name)
    if count(view) != SAMPLES:
        raise UserError(
            f"one view of each of {SAMPLES} samples",
            f"{name} of shape {keras.tree.map_structure(np.shape, view)}",
            "return as many as there are samples",
        )
