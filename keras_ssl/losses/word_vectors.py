"""Losses that learn a vector for each word from the words around it."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["cbow", "glove", "negative_sampling", "skip_gram", "window_weights"]


@keras.saving.register_keras_serializable("keras_ssl")
def window_weights(keep: Tensor, window: int) -> Tensor:
    """Return how much the word at place j counts as context of the word at place i.

    word2vec draws the reach r of each window uniformly from 1..window. Then a word at distance δ is in the window with
    probability `w_ij = (window + 1 - δ) / window`. These probabilities are the weights, so nothing has to be drawn.

    Args:
        keep: Boolean tensor `(n, length)`, False = padding, which neither has contexts nor is one.
        window: Largest distance of a context, at least 1.

    Returns:
        Float32 tensor `(n, length, length)`, symmetric, with zeros on the diagonal.

    Reference:
        Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.2.
    """
    place = ops.arange(ops.shape(keep)[1])
    distance = ops.abs(place[:, None] - place[None, :])
    band = ops.cast(ops.maximum(window + 1 - distance, 0), "float32") / window
    band = ops.where(distance == 0, 0.0, band)
    keep = ops.cast(keep, "float32")
    return band * keep[:, :, None] * keep[:, None, :]


@keras.saving.register_keras_serializable("keras_ssl")
def negative_sampling(positive: Tensor, negative: Tensor, count: float = 5.0) -> Tensor:
    """Return the loss of telling a pair of words of the text from pairs with words of noise.

    `-log σ(s) - count * mean_k log σ(-s_k)`, the expected loss of `count` negatives, where s is the score of the pair
    and s_k are those of the pairs with noise.

    Args:
        positive: Tensor `(…)`, scores of pairs.
        negative: Tensor `(…, k)`, scores of the same words with k words of noise.
        count: How many words of noise a pair counts, above 0. Default: 5.

    Returns:
        Float32 tensor `(…)`.

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", Eq. 4.
    """
    positive, negative = ops.cast(positive, "float32"), ops.cast(negative, "float32")
    return ops.softplus(-positive) + count * ops.mean(ops.softplus(negative), axis=-1)


@keras.saving.register_keras_serializable("keras_ssl")
def skip_gram(centers: Tensor, contexts: Tensor, negatives: Tensor, weights: Tensor, count: float = 5.0) -> Tensor:
    """Return the loss of predicting the words around each word: the mean of `negative_sampling` over its contexts.

    The scores of places i and j are `v_i · u_j`, those of place i with the noise are `v_i · u_k`.

    Args:
        centers: Tensor `(n, length, d)`, vectors v of the words as centers.
        contexts: Tensor `(n, length, d)`, vectors u of the same words as contexts.
        negatives: Tensor `(n, k, d)`, vectors u of words of noise, which the places of a row share.
        weights: Tensor `(n, length, length)` of `window_weights`.
        count: How many words of noise a pair counts, above 0. Default: 5.

    Returns:
        Float32 tensor `(n, length)`; the noise alone counts where a word has no context.

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", Eq. 4.
    """
    scores = ops.einsum("nid,njd->nij", centers, contexts)
    noise = ops.einsum("nid,nkd->nik", centers, negatives)
    total = ops.sum(weights, axis=-1)
    attracted = ops.sum(weights * ops.softplus(-scores), axis=-1) / ops.where(total > 0, total, 1.0)
    return attracted + count * ops.mean(ops.softplus(noise), axis=-1)


@keras.saving.register_keras_serializable("keras_ssl")
def cbow(contexts: Tensor, targets: Tensor, negatives: Tensor, weights: Tensor, count: float = 5.0) -> Tensor:
    """Return the loss of predicting each word from the mean of the vectors around it.

    The context of place i is `c_i = Σ_j w_ij v_j / Σ_j w_ij`; its loss is `negative_sampling` of `c_i · u_i` and the
    `c_i · u_k` of the noise.

    Args:
        contexts: Tensor `(n, length, d)`, vectors v of the words as contexts.
        targets: Tensor `(n, length, d)`, vectors u of the same words as what is predicted.
        negatives: Tensor `(n, k, d)`, vectors u of words of noise, which the places of a row share.
        weights: Tensor `(n, length, length)` of `window_weights`.
        count: How many words of noise a word counts, above 0. Default: 5.

    Returns:
        Float32 tensor `(n, length)`.

    Reference:
        Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.1.
    """
    total = ops.sum(weights, axis=-1, keepdims=True)
    means = ops.matmul(weights / ops.where(total > 0, total, 1.0), contexts)
    noise = ops.einsum("nid,nkd->nik", means, negatives)
    return negative_sampling(ops.sum(means * targets, axis=-1), noise, count)


@keras.saving.register_keras_serializable("keras_ssl")
def glove(scores: Tensor, counts: Tensor, largest: float = 100.0, power: float = 0.75) -> Tensor:
    """Return the weighted squared errors of the logarithms of co-occurrences.

    `f(x) (s - log x)²` with `f(x) = min(1, (x / largest)^power)`, where s is `w_i · w_j + b_i + b_j`.

    Args:
        scores: Tensor `(n,)`, s of pairs of words.
        counts: Tensor `(n,)`, x, how often the two words stand together, above 0.
        largest: Count from which on pairs have the same weight, above 0. Default: 100.
        power: Exponent of the weight, at least 0. Default: 0.75.

    Returns:
        Float32 tensor `(n,)`.

    Reference:
        Pennington et al. 2014, "GloVe: Global Vectors for Word Representation", Eqs. 8 and 9.
    """
    scores, counts = ops.cast(scores, "float32"), ops.cast(counts, "float32")
    weights = ops.minimum(1.0, (counts / largest) ** power)
    return weights * ops.square(scores - ops.log(counts))
