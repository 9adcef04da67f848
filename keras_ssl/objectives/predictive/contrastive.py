"""Contrastive predictive coding."""

from typing import Any

import keras
from keras import ops

from keras_ssl import losses
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.errors import UserError
from keras_ssl.networks import parts
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.predictive.causality import check_causal
from keras_ssl.typing import Batch, Tensor

__all__ = ["ContrastivePredictiveCoding"]

_PLACES = 6  # of the sequence on which causality is proved


@keras.saving.register_keras_serializable("keras_ssl")
class ContrastivePredictiveCoding(Objective):
    """Pick out the frames that follow among those of other samples and other times, from a context of the past.

    The encoder's `tokens` are the frames z; its `trunk` makes the context c of each place from the frames up to there.
    A matrix W_k for each number k of frames ahead predicts `z_{t+k}` as `W_k c_t`.

    Besides the loss it logs "accuracy", the share of frames whose score is highest. Both are means over all k.

    Args:
        encoder: `keras.Model` of sequences, of any kind, with the layers `tokens`, `trunk` and `pool` of
            `networks.parts`. The trunk is causal, as in `encoders.dilated_conv(…, causal=True)` and
            `encoders.frame_conv`.
        horizon: Largest number of frames ahead, K, at least 1. Default: 12, the paper's for speech.
        other_times: Whether the frames of the same sample at other places are negatives, too, and not only those of
            other samples at the same place. Default: True.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder has other layers, or its trunk sees later tokens; in a step, if there are no more than
            `horizon` frames. What a token sees is not tested: no layer before the trunk may look further ahead than
            the steps of its own frame, as a normalization over time would.

    Reference:
        van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding", Eqs. 3 and 4.

    Departures:
        Negatives are not drawn: they are all frames of the global batch at the same place, and all of the same sample.
    """

    terms = ("loss", "accuracy")
    compares_samples = True
    batches_call = "data.batches(source, drop_remainder=True)"

    def __init__(self, encoder: keras.Model, horizon: int = 12, other_times: bool = True, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("horizon", horizon, least=1, whole=True)
        found = parts(encoder)
        context = found.trunk.output.shape[-1]
        d = keras.tree.flatten(found.tokens.output)[0].shape[-1]
        check_causal(found.run, (2, _PLACES, d), encoder.name, type(self).__name__)
        self.horizon = horizon
        self.other_times = other_times
        self.matrices = self.add_weight(shape=(horizon, context, d), initializer="glorot_uniform", name="matrices")

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Compute frames and contexts, and predictions `(n, k, length, d)` from all contexts."""
        encoder = parts(self.encoder)
        z, keep = encoder.embed(batch["input"], training)
        if z.shape[1] is not None and z.shape[1] <= self.horizon:
            raise UserError(
                f"more than horizon={self.horizon} frames in a sample for {type(self).__name__}",
                f"{z.shape[1]}",
                "give longer samples, or a smaller `horizon`",
            )
        context = encoder.run(z, keep, training)
        predicted = ops.einsum("ntc,kcd->nktd", context, ops.cast(self.matrices, context.dtype))
        keep = ops.ones_like(z[..., 0]) if keep is None else ops.cast(keep, z.dtype)
        return {"z": z, "predicted": predicted, "keep": keep}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Contrast the predictions of the global batch, for each number of frames ahead."""
        z, predicted, keep = (gather(outputs[name]) for name in ("z", "predicted", "keep"))
        keep = keep > 0
        found = [self._terms(z, predicted[:, k - 1], keep, k) for k in range(1, self.horizon + 1)]
        return {name: sum(one[name] for one in found) / self.horizon for name in self.terms}

    def _terms(self, z, predicted, keep, k):
        known = ops.logical_and(keep[:, :-k], keep[:, k:])
        positives, negatives = losses.cpc_scores(predicted[:, :-k], z[:, k:], keep[:, k:], self.other_times)
        right = ops.cast(ops.logical_and(known, positives > ops.max(negatives, axis=-1)), "float32")
        count = ops.maximum(ops.sum(ops.cast(known, "float32")), 1.0)
        return {"loss": losses.cpc(positives, negatives, known), "accuracy": ops.sum(right) / count}
