"""The losses of wav2vec 2.0."""

import keras
from keras import ops

from keras_ssl.directions import unit
from keras_ssl.typing import Tensor

__all__ = ["code_diversity", "distractor_logits"]

_NEVER = -1e9  # a logit that the softmax ignores


@keras.saving.register_keras_serializable("keras_ssl")
def distractor_logits(
    contexts: Tensor, targets: Tensor, distractors: Tensor, codes: Tensor, temperature: float | Tensor = 0.1
) -> Tensor:
    """Return `sim(c_t, q) / κ` for each place t: of its own target first, then of the targets at K other places.

    With 0 as the right answer, `token_cross_entropy` of these is Eq. 3 of the paper.

    Args:
        contexts: Tensor `(n, length, d)`, c. Need not be normalized.
        targets: Tensor `(n, length, d)`, q. Need not be normalized.
        distractors: Integer tensor `(n, length, K)` of places of the same sequence, such as `transforms.distractors`.
        codes: Integer tensor `(n, length)`, a number of each target: one with the same number as the place's own is
            the same vector, and no distractor.
        temperature: κ, above 0. Default: 0.1.

    Returns:
        Float32 tensor `(n, length, 1 + K)`; -1e9 for what is no distractor.

    Reference:
        Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations", Eq. 3.

    Departures:
        As in the authors' code, distractors that equal the target are left out; the equation has them.
    """
    similarity = ops.matmul(unit(contexts), ops.transpose(unit(targets), (0, 2, 1))) / temperature
    (n, length), each = ops.shape(distractors)[:2], distractors.shape[-1]
    places = ops.broadcast_to(ops.arange(length, dtype="int32")[None, :, None], (n, length, 1))
    others = ops.take_along_axis(codes, ops.reshape(distractors, (n, length * each)), axis=1)
    same = ops.equal(ops.reshape(others, (n, length, each)), codes[:, :, None])
    own, logits = (ops.take_along_axis(similarity, where, axis=2) for where in (places, distractors))
    return ops.concatenate([own, ops.where(same, _NEVER, logits)], axis=2)


@keras.saving.register_keras_serializable("keras_ssl")
def code_diversity(probabilities: Tensor) -> Tensor:
    """Return `1 - 1/(G V) sum_g exp(H(p_g))`: the share of the entries of code books that are not in use.

    Args:
        probabilities: Tensor `(G, V)`, the mean probabilities p of the V entries of each of G code books.

    Returns:
        Scalar, float32, from 0 (all entries are used equally) to `1 - 1/V` (one of each book).

    Reference:
        Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations", Eq. 4.

    Departures:
        Eq. 4 is `-1/(G V) sum_g H(p_g)`. The exponential, the perplexity, is from the authors' code; it keeps the loss
        in 0..1 for any V, which the weight of 0.1 is chosen for.
    """
    p = ops.cast(probabilities, "float32")
    entropies = -ops.sum(p * ops.log(p + 1e-7), axis=-1)
    return 1.0 - ops.mean(ops.exp(entropies)) / p.shape[-1]
