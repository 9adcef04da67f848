"""Figures that choose a checkpoint without labels."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import measures, specs
from keras_ssl.batch_keys import view_keys
from keras_ssl.checks import as_array, check_between
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.evaluate.embedding import embed
from keras_ssl.networks import embedder, predict_in_batches
from keras_ssl.typing import Operation, Samples
from keras_ssl.views import check_views

__all__ = ["label_free", "label_free_of_features"]

_BATCH = 256
_APART = 100  # seeds: a policy may add small numbers to its seed


def label_free(
    encoder: keras.Model | None,
    samples: Source | Samples,
    views: Operation | None = None,
    count: int = 10,
    limit: int | None = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Return figures of an encoder that need no labels, to compare checkpoints of one training by.

    Args:
        encoder: `keras.Model`, objective, or None for raw inputs, which have no views.
        samples: `data.Source`, an array or a dict of arrays, as the encoder takes them; best those that it was trained
            on, or others like them.
        views: Policy that the encoder is to be compared under, as for `data.batches`: a function `(samples, seed)` that
            returns samples, or a dict of which "view_1" and "view_2" are used. Default: None, no figures of views.
        count: Number of views of each sample, even, at least 2. Default: 10; LiDAR's authors took 50.
        limit: Number of samples, from the first on; None for all. Default: 1000, as for LiDAR.
        seed: Seed of the views, a non-negative integer. Default: 0.

    Returns:
        See `label_free_of_features`.

    Raises:
        UserError: If samples or views do not fit, there are fewer than 2 samples, or the policy changes nothing.
    """
    check_between("count", count, least=2, whole=True)
    check_between("seed", seed, least=0, whole=True)
    if limit is not None:
        check_between("limit", limit, least=2, whole=True)
    if count % 2:
        raise UserError("an even number of views", f"count={count}", f"give `count={count + 1}`")
    source, network = as_source(samples, encoder)[:limit], embedder(encoder)
    if views is None:
        return label_free_of_features(embed(network, source))
    if network is None:
        raise UserError("an encoder, for figures of views", "None, raw inputs", "leave `views` out")
    _check_policy(views, network, source)
    return label_free_of_features(embed(network, source), _of_views(network, source, views, count, seed))


def label_free_of_features(features: Any, views: Any = None) -> dict[str, float]:
    """Return the figures of representations that need no labels.

    Args:
        features: Float array `(n, d)`, n at least 2.
        views: Float array `(n, q, d)` of an even number of views of the same or other samples, or None.

    Returns:
        Dict of "rank_me" (`measures.rank_me`), "effective_rank" (`measures.effective_rank`), "dimensions"
        (`measures.participation_ratio`), "std" (`measures.feature_std`), "alpha" (`measures.alpha_req`) and
        "uniformity" (`measures.uniformity`); with views also "alignment" (`measures.alignment`, of neighboring views)
        and "lidar" (`measures.lidar`). Higher is better, except of "alignment" and "uniformity", and of "alpha", which
        is best near 1.

    Raises:
        UserError: If the shapes do not fit, or values are not finite.
    """
    h = _checked(features, "features", ("n", "d"))
    found = {
        "rank_me": measures.rank_me(h),
        "effective_rank": measures.effective_rank(h),
        "dimensions": measures.participation_ratio(h),
        "std": measures.feature_std(h),
        "alpha": measures.alpha_req(h),
        "uniformity": measures.uniformity(h),
    }
    if views is not None:
        z = _checked(views, "views", ("n", "q", "d"))
        _check_views(z)
        first, second = (z[:, k::2].reshape(-1, z.shape[-1]) for k in (0, 1))
        found |= {"alignment": measures.alignment(first, second), "lidar": measures.lidar(z)}
    return {name: float(figure) for name, figure in found.items()}


def _of_views(encoder, source, policy, count, seed):
    """Representations `(n, count, d)` of views."""
    parts = []
    for begin in range(0, len(source), _BATCH):
        samples = source.inputs(np.arange(begin, min(begin + _BATCH, len(source))))
        samples = keras.tree.map_structure(ops.convert_to_tensor, samples)
        drawn: list[np.ndarray] = []
        while len(drawn) < count:
            key = ops.convert_to_tensor([seed, _APART * (begin + len(drawn))], dtype="int32")
            drawn += [predict_in_batches(encoder, one) for one in _draw(policy, samples, key)]
        parts.append(np.stack(drawn[:count], axis=1))
    return np.concatenate(parts)


def _draw(policy, samples, seed):
    """The views of one call of a policy: one, or two."""
    found = policy(samples, seed)
    return [found[key] for key in view_keys()] if hasattr(policy, "keys") else [found]


def _check_policy(policy, encoder, source):
    """Raise unless a policy makes views that differ and fit the encoder."""
    keys = getattr(policy, "keys", view_keys())
    if not callable(policy) or getattr(policy, "identical", False) or not set(view_keys()) <= set(keys):
        raise UserError(
            "a policy that makes views of samples, which differ",
            repr(policy),
            "give one such as `views.digits()`; or leave `views` out",
        )
    some = source.inputs(np.arange(min(8, len(source))))
    check_views(policy, some, source.specs)
    given = keras.tree.map_structure(ops.convert_to_tensor, some)
    wanted = specs.specs_of(encoder)
    for name, view in zip(view_keys(), _draw(policy, given, ops.convert_to_tensor([0, 0], dtype="int32"))):
        specs.check(wanted, view, f"'{name}'")


def _checked(x, name, axes):
    x = as_array(x, name)
    if x.ndim != len(axes) or len(x) < 2 or x.dtype.kind != "f" or not np.isfinite(x).all():
        finite = x.dtype.kind == "f" and bool(np.isfinite(x).all())
        raise UserError(
            f"{name} as finite floats ({', '.join(axes)}), n at least 2",
            f"{x.dtype} {x.shape}" + ("" if finite else ", not all finite floats"),
            "give the output of an encoder for several samples; NaN comes from a training that has gone wrong",
        )
    return x.astype("float32")


def _check_views(z):
    if z.shape[1] < 2 or z.shape[1] % 2:
        raise UserError("an even number of views", f"{z.shape[1]}", "give an array (n, q, d) with q even")
