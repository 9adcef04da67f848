"""Objectives that contrast the time steps of series."""

from typing import Any

import keras
from keras import ops

from keras_ssl import losses, measures
from keras_ssl.blocks import max_of_kept
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.errors import UserError
from keras_ssl.networks import parts, pick
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import check_kind
from keras_ssl.state import TargetNetwork
from keras_ssl.typing import Batch, Tensor

__all__ = ["TS2Vec"]


@keras.saving.register_keras_serializable("keras_ssl")
class TS2Vec(Objective):
    """Find each time step of a series again in another crop, among other times and other series, at all scales.

    Two crops of a series overlap. In both, random time steps are hidden. Where they overlap, the frames of a step in
    both crops are a positive pair for `losses.hierarchical_contrast`.

    The representation, `embedder`, is that of the encoder with the mean of its weights after all steps.

    Besides the loss it logs `std` and `dimensions` of the largest frames of the overlap; see `SimCLR`. A batch may
    contain "crops" `(n, 4)`, integers: begin and end of the first crop, then of the second, which begins and ends no
    earlier; and "hidden_1" and "hidden_2" `(n, length)`, True = hidden. They count tokens, which are time steps but in
    `encoders.patch_transformer`. All series of a batch have the same length, with NaN after those that are shorter.

    Args:
        encoder: Encoder of series with the layers `tokens`, which gives keep, `trunk` and `pool`, such as
            `encoders.dilated_conv`.
        mask_ratio: Probability that a token is hidden, for each one and in each crop. Default: 0.5.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder is not of series or has not these layers, or `mask_ratio` is out of range.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", section "Method". The mean of the
        weights, and how crops are drawn, are in the authors' code.

    Departures:
        Crops are masks over the whole series, so that shapes are fixed: the encoder sees nothing outside of them, and
        the frames are those of series that are cut. Steps that are missing in a series are left out of the loss. See
        also `losses.hierarchical_contrast`.

    Example:
        `TS2Vec(encoders.dilated_conv(channels, output_width=320, dropout=0.1))` has the paper's network.
    """

    terms = ("loss", "std", "dimensions")
    optional_keys = ("crops", "hidden_1", "hidden_2")
    compares_samples = True
    batches_call = "data.batches(source, drop_remainder=True)"

    def __init__(self, encoder: keras.Model, mask_ratio: float = 0.5, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "series", type(self).__name__)
        check_between("mask_ratio", mask_ratio, 0, below=1)
        if not parts(encoder).padded:
            raise UserError(
                f"an encoder whose tokens give keep, for {type(self).__name__}",
                f"'{encoder.name}', which sees all places",
                "use `encoders.dilated_conv`, `encoders.recurrent` or `encoders.patch_transformer`",
            )
        self.mask_ratio = mask_ratio
        self.average = TargetNetwork([encoder], name="average")

    @property
    def embedder(self) -> keras.Model:
        """The encoder with the mean of its weights after all steps."""
        return self.average.copies[0]

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Encode both crops, and align their frames so that the overlap begins at place 0."""
        network, seeds = parts(self.encoder), self.draws(training)
        tokens, keep = network.embed(batch["input"], training)
        count, length = ops.shape(tokens)[0], _length(tokens)
        crops = ops.cast(batch["crops"], "int32") if "crops" in batch else _crops(count, length, seeds)
        begin_1, end_1, begin_2, end_2 = ops.split(crops, 4, axis=1)
        place = ops.arange(length, dtype="int32")[None]
        overlap = ops.minimum(begin_2 + place, length - 1)
        kept = ops.logical_and(ops.take_along_axis(keep, overlap, axis=1), place < end_1 - begin_2)
        outputs = {"keep": ops.cast(kept, "float32")}  # collectives take no booleans
        for name, begin, end in (("1", begin_1, end_1), ("2", begin_2, end_2)):
            if f"hidden_{name}" in batch:
                hidden = ops.cast(batch[f"hidden_{name}"], "bool")
            else:
                hidden = keras.random.uniform((count, length), seed=seeds) < self.mask_ratio
            seen = ops.where(hidden[:, :, None], ops.zeros_like(tokens), tokens)
            inside = ops.logical_and(place >= begin, place < end)
            frames = network.run(seen, ops.logical_and(keep, inside), training=training)
            outputs[f"z_{name}"] = pick(frames, overlap)
        return outputs

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Contrast the frames of the global batch."""
        z_1, z_2, keep = (gather(outputs[name]) for name in ("z_1", "z_2", "keep"))
        keep = keep > 0
        loss = losses.hierarchical_contrast(z_1, z_2, keep)
        return {"loss": loss, **measures.spread(max_of_kept(z_1, keep))}

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Move the average to the mean of the weights after all steps so far."""
        steps = ops.cast(self.step, "float32")
        self.average.follow([self.encoder], steps / (steps + 1), moving_statistics=True)


def _length(tokens):
    if tokens.shape[1] is None:
        raise UserError(
            "series of a known length for TS2Vec",
            f"tokens of shape {tuple(tokens.shape)}",
            "let all batches have one length, with NaN after series that are shorter",
        )
    return tokens.shape[1]


def _crops(count, length, seeds):
    """Draw crops `(n, 4)` in 0..length: their lengths once for the batch, and where they lie for each sample."""
    shared, own = keras.random.uniform((4,), seed=seeds), keras.random.uniform((count, 1), seed=seeds)
    least = min(length, 2)
    overlap = least + _below(shared[0], length - least + 1)
    begin_2 = _below(shared[1], length - overlap + 1)
    end_1 = begin_2 + overlap
    begin_1 = _below(shared[2], begin_2 + 1)
    end_2 = end_1 + _below(shared[3], length - end_1 + 1)
    shift = _below(own, length - (end_2 - begin_1) + 1) - begin_1
    return ops.concatenate([begin_1 + shift, end_1 + shift, begin_2 + shift, end_2 + shift], axis=1)


def _below(uniform, bound):
    """A whole number in 0..bound-1 from a uniform one in 0..1."""
    number = ops.cast(ops.floor(uniform * ops.cast(bound, "float32")), "int32")
    return ops.minimum(number, ops.cast(bound, "int32") - 1)
