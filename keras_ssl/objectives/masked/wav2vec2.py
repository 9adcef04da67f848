"""wav2vec 2.0."""

from typing import Any

import keras
from keras import ops

from keras_ssl import distribute, losses, measures, transforms
from keras_ssl.blocks import GumbelQuantizer
from keras_ssl.checks import check_between, check_counts
from keras_ssl.errors import UserError
from keras_ssl.networks import parts
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import check_kind
from keras_ssl.typing import Batch, Samples, Schedule, Tensor

__all__ = ["Wav2Vec2"]

_FIRST, _FACTOR, _LAST = 2.0, 0.999, 0.5  # of the default `code_temperature`


@keras.saving.register_keras_serializable("keras_ssl")
class Wav2Vec2(Objective):
    """Hide spans of a recording, and pick out what is hidden among other hidden places of the same recording.

    What is picked out are quantized tokens: each is an entry of every code book, and which one is learned, too.

    Besides the loss it logs its terms `contrast` and `diversity`; `perplexity`, how many entries are in use of the code
    book that uses the fewest, from 1, a collapse, to `entries`; and `accuracy`, the share of the hidden places that are
    picked out. The perplexity is that of the choices without noise, which would spread them also over a code book that
    has collapsed.

    A batch may contain "mask" `(n, frames)`, True = hidden; "noise" `(n, frames, groups, entries)`, Gumbel noise; and
    "negatives" `(n, frames, negatives)`, uniform draws in 0..1 by which distractors are chosen. There is no noise in
    `evaluate`.

    Args:
        encoder: Encoder of sound with the layers `tokens`, `trunk` and `pool`, such as `encoders.wav2vec2`.
        projector: `keras.Model` from frames `(n, length, d)` to `(n, length, k)`. Default: a dense layer, k = d.
        groups: Number of code books G. Default: 2.
        entries: Number of entries of each, V, where `V ** G` is at most 2^31. Default: 64.
        start_ratio: Share of the places of a recording where a hidden span begins, above 0 and at most 1. Default:
            0.065.
        span: Length of a span in frames, at least 1; shorter in short recordings, see `transforms.span_mask`.
            Default: 10.
        negatives: Number of distractors of each place, at least 1. Default: 100.
        temperature: Temperature of the similarities, above 0: a number, or a schedule in steps. Default: 0.1.
        code_temperature: Temperature of the choice of entries, above 0: a number, or a schedule in steps. Default:
            None, which is 2, times 0.999 in each step, until it is 0.5.
        diversity: Weight of the term by which all entries are used. Default: 0.1.
        penalty: Weight of the mean square of the tokens. Default: 0.1.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder is not one of sound with these layers, an argument is out of range, or recordings are
            too short or all of them silent.

    Reference:
        Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations", sections
        2 and 3, Eqs. 2 to 4. The penalty is from the authors' code.

    Departures:
        The weight of the penalty is 10 for the authors' base model, of which one convolution is normalized, and 0 for
        their large one, of which all are, as in `encoders.wav2vec2`. The mean square of such tokens is about 0.4 from
        the beginning: 10 would outweigh the contrast. The temperature of the code books falls by 5e-6 in each step of
        the paper's 400,000. The gradient of the convolutions is not scaled. The diversity is that of all tokens, not
        of the hidden ones alone. A place all of whose distractors equal its own target does not count.

    Example:
        `Wav2Vec2(encoders.wav2vec2())`
    """

    terms = ("loss", "contrast", "diversity", "perplexity", "accuracy")
    optional_keys = ("mask", "noise", "negatives")

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        groups: int = 2,
        entries: int = 64,
        start_ratio: float = 0.065,
        span: int = 10,
        negatives: int = 100,
        temperature: Schedule = 0.1,
        code_temperature: Schedule | None = None,
        diversity: float = 0.1,
        penalty: float = 0.1,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "audio", "Wav2Vec2")
        check_counts(span=span, negatives=negatives)
        check_between("start_ratio", start_ratio, above=0, most=1)
        check_between("temperature", temperature, above=0, schedule=True)
        if code_temperature is not None:
            check_between("code_temperature", code_temperature, above=0, schedule=True)
        check_between("diversity", diversity, 0)
        check_between("penalty", penalty, 0)
        found = parts(encoder)
        frames, tokens = found.trunk.output.shape[-1], keras.tree.flatten(found.tokens.output)[0].shape[-1]
        self.projector = _projector(frames) if projector is None else projector
        self.groups = groups
        self.entries = entries
        self.start_ratio = start_ratio
        self.span = span
        self.negatives = negatives
        self.temperature = temperature
        self.code_temperature = code_temperature
        self.diversity = diversity
        self.penalty = penalty
        self.quantizer = GumbelQuantizer(groups, entries, self.projector.output_shape[-1], name="quantizer")
        self.quantizer.build((None, None, tokens))
        _check_combinations(groups, entries)
        self.mask_token = self.add_weight(
            shape=(tokens,), initializer=keras.initializers.RandomUniform(0.0, 1.0), name="mask_token"
        )

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Quantize all tokens, and run the trunk on those that are not hidden."""
        found, seeds = parts(self.encoder), self.draws(training)
        tokens, keep = found.embed(batch["input"], training)
        keep = ops.ones(ops.shape(tokens)[:2], "bool") if keep is None else keep
        n, length = ops.shape(tokens)[0], _checked_length(tokens, batch)
        if "mask" in batch:
            hidden = ops.logical_and(ops.cast(batch["mask"], "bool"), keep)
        else:
            hidden = transforms.span_mask(keep, self.start_ratio, self.span, seeds.next())
        uniform, noise = batch.get("negatives"), batch.get("noise")
        if uniform is None:
            uniform = keras.random.uniform((n, length, self.negatives), seed=seeds)
        if noise is None and training:
            noise = transforms.gumbel_noise((n, length, self.groups, self.entries), seeds.next())
        targets, choice, probabilities = self.quantizer(tokens, temperature=self._code_temperature(), noise=noise)
        seen = ops.where(hidden[:, :, None], ops.cast(self.mask_token, tokens.dtype), tokens)
        return {
            "contexts": self.projector(found.run(seen, keep, training=training), training=training),
            "targets": targets,
            "distractors": transforms.distractors(hidden, uniform),
            "hidden": hidden,
            "choice": choice,
            "probabilities": probabilities,
            "tokens": tokens,
            "keep": keep,
        }

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Eq. 2, and the penalty; all means are over the global batch."""
        choice, keep = ops.stop_gradient(outputs["choice"]), outputs["keep"][:, :, None]
        likeliest = ops.one_hot(ops.argmax(outputs["probabilities"], axis=-1), self.entries)
        logits = losses.distractor_logits(
            outputs["contexts"], outputs["targets"], outputs["distractors"], _numbers(choice), self.at(self.temperature)
        )
        counts = ops.logical_and(outputs["hidden"], ops.any(logits[:, :, 1:] > -1e8, axis=2))
        first = ops.zeros(ops.shape(counts), "int32")
        contrast = distribute.mean(losses.token_cross_entropy(logits, first), counts)
        found = ops.all(logits[:, :, :1] > logits[:, :, 1:], axis=2)  # not where all are alike
        used, likely = (
            distribute.mean(x, keep[:, :, :, None], axis=(0, 1)) for x in (likeliest, outputs["probabilities"])
        )
        diversity = losses.code_diversity(likely)
        penalty = distribute.mean(ops.square(outputs["tokens"]), keep)
        return {
            "loss": contrast + self.diversity * diversity + self.penalty * penalty,
            "contrast": contrast,
            "diversity": diversity,
            "perplexity": ops.min(measures.perplexity(used)),
            "accuracy": distribute.mean(found, counts),
        }

    def check_array(self, key: str, array: Samples) -> None:
        """Check as `Objective.check_array` does, and check that not all recordings are silent."""
        super().check_array(key, array)
        if key == "input" and not array.any():
            raise UserError(
                "recordings with sound for Wav2Vec2", "zeros only, which are padding", "check how they were read"
            )

    def _code_temperature(self):
        if self.code_temperature is not None:
            return self.at(self.code_temperature)
        return ops.maximum(_LAST, _FIRST * _FACTOR ** ops.cast(self.step, "float32"))


def _projector(width):
    frames = keras.Input((None, width), name="frames")
    return keras.Model(frames, keras.layers.Dense(width, name="projection")(frames), name="projector")


def _check_combinations(groups, entries):
    if entries**groups > 2**31:
        received = f"{groups} of {entries} entries, which have {float(entries**groups):.2g}"
        raise UserError("code books with at most 2^31 combinations of entries", received, "give fewer of either")


def _numbers(choice):
    """One number, an int32, for each combination of entries."""
    entries = ops.cast(ops.argmax(choice, axis=-1), "int32")
    groups, size = choice.shape[2:]
    return ops.sum(entries * ops.convert_to_tensor([size**g for g in range(groups)], "int32"), axis=-1)


def _checked_length(tokens, batch):
    """The number of frames, after a check that it is known, is enough, and is the mask's."""
    length, samples = tokens.shape[1], batch["input"].shape[1]
    if length is None or length < 3:
        raise UserError(
            "recordings of a known length of at least 3 frames for Wav2Vec2",
            "batches of an unknown length" if length is None else f"{length} of {samples} samples",
            "pad all recordings with zeros to one length, or give an encoder with smaller strides",
        )
    if "mask" in batch and batch["mask"].shape[1] != length:
        raise UserError(f"a mask of {length} frames", f"{batch['mask'].shape[1]}", "give one value for each frame")
    return length
