"""Pooling of sequences over the places that are no padding, made of Keras operations only, as `attention` is."""

from keras import layers, ops

from keras_ssl.typing import Tensor

__all__ = ["attention_of_kept", "first_of_kept", "last_of_kept", "max_of_kept", "mean_of_kept", "thirds_of_kept"]


def mean_of_kept(y: Tensor, keep: Tensor) -> Tensor:
    """Return the mean over the kept places of each sequence, computed in float32.

    Args:
        y: Float tensor `(n, length, d)`, symbolic or not; the length may be None.
        keep: Boolean tensor `(n, length)`, False = padding.

    Returns:
        Float32 tensor `(n, d)`; 0 for a sequence of padding only.
    """
    kept = ops.where(ops.expand_dims(keep, -1), ops.cast(y, "float32"), 0.0)
    count = ops.sum(ops.cast(keep, "float32"), axis=1, keepdims=True)
    return ops.sum(kept, axis=1) / ops.maximum(count, 1.0)


def thirds_of_kept(y: Tensor, keep: Tensor) -> Tensor:
    """Return the means over the first, the second and the last third of the kept places of each sequence.

    The mean of a whole sequence does not know in what order things come; these do. Frame k of m, from 0, is in the
    third that holds the place (k + 1/2) / m.

    Args:
        y: Float tensor `(n, length, d)`, symbolic or not; the length may be None.
        keep: Boolean tensor `(n, length)`, False = padding.

    Returns:
        Float32 tensor `(n, 3 d)`; 0 for a third that has no place, of fewer than three.
    """
    kept = ops.cast(keep, "float32")
    count = ops.sum(kept, axis=1, keepdims=True)
    place = (ops.cumsum(kept, axis=1) - 0.5) / ops.maximum(count, 1.0)
    thirds = ops.floor(3.0 * place)
    return ops.concatenate([mean_of_kept(y, ops.logical_and(keep, ops.equal(thirds, k))) for k in range(3)], axis=1)


def max_of_kept(y: Tensor, keep: Tensor) -> Tensor:
    """Return the largest value at the kept places of each sequence, feature by feature.

    Args:
        y: Float tensor `(n, length, d)`, symbolic or not; the length may be None.
        keep: Boolean tensor `(n, length)`, False = padding.

    Returns:
        Float32 tensor `(n, d)`; 0 for a sequence of padding only.
    """
    kept = ops.where(ops.expand_dims(keep, -1), ops.cast(y, "float32"), -3e38)
    return ops.where(ops.any(keep, axis=1, keepdims=True), ops.max(kept, axis=1), 0.0)


def first_of_kept(y: Tensor, keep: Tensor) -> Tensor:
    """Return the first kept place of each sequence.

    Args:
        y: Float tensor `(n, length, d)`, symbolic or not; the length may be None.
        keep: Boolean tensor `(n, length)`, False = padding.

    Returns:
        Float32 tensor `(n, d)`; 0 for a sequence of padding only.
    """
    return _at_place(y, keep, ops.ones_like(keep[:, :1], dtype="int32"))


def last_of_kept(y: Tensor, keep: Tensor) -> Tensor:
    """Return the last kept place of each sequence: of a causal encoder, the one that has seen all others.

    Args:
        y: Float tensor `(n, length, d)`, symbolic or not; the length may be None.
        keep: Boolean tensor `(n, length)`, False = padding.

    Returns:
        Float32 tensor `(n, d)`; 0 for a sequence of padding only.
    """
    return _at_place(y, keep, ops.sum(ops.cast(keep, "int32"), axis=1, keepdims=True))


def _at_place(y, keep, number):
    """The kept place of a number `(n, 1)`, counted from 1."""
    chosen = ops.logical_and(keep, ops.equal(ops.cumsum(ops.cast(keep, "int32"), axis=1), number))
    return ops.sum(ops.where(ops.expand_dims(chosen, -1), ops.cast(y, "float32"), 0.0), axis=1)


def attention_of_kept(y: Tensor, keep: Tensor, name: str = "attention") -> Tensor:
    """Return `sum_t α_t y_t` over the kept places, with `α = softmax(uᵀ tanh(W y_t + b))`, computed in float32.

    The query u, W and b are trained: they learn which places matter.

    Args:
        y: Symbolic float tensor `(n, length, d)`; the length may be None.
        keep: Symbolic boolean tensor `(n, length)`, False = padding.
        name: Prefix of the layers' names.

    Returns:
        Symbolic float32 tensor `(n, d)`; 0 for a sequence of padding only.

    Reference:
        Yang et al. 2016, "Hierarchical Attention Networks for Document Classification", Eqs. 5 to 7.
    """
    hidden = layers.Dense(y.shape[-1], activation="tanh", name=f"{name}_hidden")(y)
    scores = ops.cast(layers.Dense(1, use_bias=False, name=f"{name}_query")(hidden), "float32")
    kept = ops.expand_dims(keep, -1)
    weights = ops.softmax(ops.where(kept, scores, -3e38), axis=1)
    return ops.sum(ops.where(kept, weights * ops.cast(y, "float32"), 0.0), axis=1)
