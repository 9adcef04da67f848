"""Contrast of two views of a series at every time step: with other samples, with other times, and at all scales."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["hierarchical_contrast", "instance_contrast", "temporal_contrast"]

_NEVER = -1e9  # a logit that the softmax ignores


@keras.saving.register_keras_serializable("keras_ssl")
def instance_contrast(z_1: Tensor, z_2: Tensor, keep: Tensor | None = None) -> Tensor:
    """Pick out the same time step of the other view among that step of all samples.

    `l(i, t) = -r_it · r'_it + log sum_j (exp(r_it · r'_jt) + [j != i] exp(r_it · r_jt))`; the loss is the mean over all
    kept places, from r to r' and from r' to r.

    Args:
        z_1: Tensor `(n, length, d)`, r: frames of the first view. They are not normalized.
        z_2: Tensor `(n, length, d)`, r': frames of the second view at the same places.
        keep: Boolean tensor `(n, length)`, False = padding. Default: None, all places are kept.

    Returns:
        Scalar, float32, at least 0. It is 0 for n = 1.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", Eq. 2.
    """
    z_1, z_2, keep = _kept(z_1, z_2, keep)
    z_1, z_2 = (ops.transpose(z, (1, 0, 2)) for z in (z_1, z_2))
    return _contrast(z_1, z_2, ops.transpose(keep))


@keras.saving.register_keras_serializable("keras_ssl")
def temporal_contrast(z_1: Tensor, z_2: Tensor, keep: Tensor | None = None) -> Tensor:
    """Pick out the same time step of the other view among all steps of the sample.

    `l(i, t) = -r_it · r'_it + log sum_s (exp(r_it · r'_is) + [s != t] exp(r_it · r_is))`; the loss is the mean over all
    kept places, from r to r' and from r' to r.

    Args:
        z_1: See `instance_contrast`.
        z_2: See `instance_contrast`.
        keep: See `instance_contrast`.

    Returns:
        Scalar, float32, at least 0. It is 0 for a length of 1.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", Eq. 1.
    """
    return _contrast(*_kept(z_1, z_2, keep))


@keras.saving.register_keras_serializable("keras_ssl")
def hierarchical_contrast(z_1: Tensor, z_2: Tensor, keep: Tensor | None = None) -> Tensor:
    """Average `instance_contrast` and `temporal_contrast` over all scales of time.

    From each scale to the next, pairs of places are pooled to their largest values, until one place is left, which has
    no others in time to be told from. The loss is the mean over the scales of half the sum of both terms.

    Args:
        z_1: See `instance_contrast`. The length is known.
        z_2: See `instance_contrast`.
        keep: See `instance_contrast`. Kept places should begin at place 0, so that the scales end where no sample has
            more than one.

    Returns:
        Scalar, float32, at least 0.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", Eq. 3 and Algorithm 1.

    Departures:
        Half the sum of both terms instead of the sum, as in the authors' code. Where a length is odd, the last place is
        pooled alone; their code drops it.
    """
    z_1, z_2, keep = _kept(z_1, z_2, keep)
    total, scales, counts = 0.0, 0.0, 1.0  # counts: 0 where all was pooled to one place before
    while z_1.shape[1] > 1:
        several = ops.cast(ops.any(keep[:, 1:]), "float32")
        terms = instance_contrast(z_1, z_2, keep) + several * temporal_contrast(z_1, z_2, keep)
        total, scales = total + counts * terms / 2, scales + counts
        counts = counts * several
        z_1, z_2, keep = _pooled(z_1, keep), _pooled(z_2, keep), ops.any(_in_pairs(keep), axis=2)
    return (total + counts * instance_contrast(z_1, z_2, keep) / 2) / (scales + counts)


def _kept(z_1, z_2, keep):
    """Frames in float32, 0 where they are not kept."""
    z_1, z_2 = (ops.cast(ops.convert_to_tensor(z), "float32") for z in (z_1, z_2))
    if keep is None:
        return z_1, z_2, ops.ones_like(z_1[:, :, 0], dtype="bool")
    keep = ops.convert_to_tensor(keep, dtype="bool")
    return ops.where(keep[:, :, None], z_1, 0.0), ops.where(keep[:, :, None], z_2, 0.0), keep


def _contrast(z_1, z_2, keep):
    """Tell the m pairs in each of g groups from one another: `(g, m, d)`, and `(g, m)` for those that are kept."""
    z, seen = ops.concatenate([z_1, z_2], axis=1), ops.concatenate([keep, keep], axis=1)
    itself = ops.eye(2 * ops.shape(z_1)[1], dtype="bool")
    candidates = ops.logical_and(seen[:, None, :], ops.logical_not(itself))
    similarity = ops.where(candidates, ops.matmul(z, ops.transpose(z, (0, 2, 1))), _NEVER)
    positive = ops.sum(z_1 * z_2, axis=-1)
    errors = ops.logsumexp(similarity, axis=-1) - ops.concatenate([positive, positive], axis=1)
    count = ops.maximum(ops.sum(ops.cast(seen, "float32")), 1.0)
    return ops.sum(ops.where(seen, errors, 0.0)) / count


def _pooled(z, keep):
    """The largest kept values of each pair of places; 0 where neither is kept."""
    largest = ops.max(_in_pairs(ops.where(keep[:, :, None], z, _NEVER), _NEVER), axis=2)
    return ops.where(ops.any(_in_pairs(keep), axis=2)[:, :, None], largest, 0.0)


def _in_pairs(x, filling=False):
    """Reshape `(n, length, …)` to `(n, ⌈length/2⌉, 2, …)`."""
    length, rest = x.shape[1], x.shape[2:]
    if length % 2:
        x = ops.concatenate([x, ops.full_like(x[:, :1], filling)], axis=1)
    return ops.reshape(x, (-1, (length + 1) // 2, 2, *rest))
