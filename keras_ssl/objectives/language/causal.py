"""The causal language model: predict each token from those before it."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import distribute, losses
from keras_ssl.encoders import cached, is_cacheable
from keras_ssl.errors import UserError
from keras_ssl.networks import id_table, parts, score_ids, scoring_layer
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.language.generation import Generator
from keras_ssl.specs import Spec, Specs, check_kind, inputs_like, specs_of
from keras_ssl.typing import Batch, Tensor

__all__ = ["CausalLanguageModel"]


@keras.saving.register_keras_serializable("keras_ssl")
class CausalLanguageModel(Objective):
    """Predict each token of a text from those before it: the pretraining of GPT.

    A batch holds rows of ids, 0 for padding: windows of a text of k + 1 tokens for a context of k, since the last token
    is only predicted and the first one only read. The scores of the next token are products of the frame with the
    vectors of the ids. `generate` writes on.

    Besides the loss, in nats a token, it logs "accuracy", the share of tokens whose score is highest. The perplexity is
    `exp(loss)`; of characters, `loss / log(2)` are bits a character.

    Args:
        encoder: `keras.Model` from ids `(n, length)` to `(n, d)`, with the layers `tokens`, `trunk` and `pool` of
            `encoders.transformer`, whose frames depend on no later id: `causal=True`. Its layer `tokens` has one called
            `embedding`, with the vectors of the ids.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder is another one, or sees later ids.

    Reference:
        Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", Eqs. 1 and 2.
    """

    terms = ("loss", "accuracy")
    batches_call = "data.batches(data.Source(data.Windows(stream, length=context + 1), kinds='ids'))"

    def __init__(self, encoder: keras.Model, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "ids", type(self).__name__)
        id_table(encoder)
        _check_causal(encoder, specs_of(encoder))
        self._generator: Generator | None = None

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the encoder takes, and one id more, which is only predicted."""
        return {"input": _one_longer(specs_of(self.encoder))}

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Score all ids as the next one, at each place but the last."""
        ids = batch["input"]
        context, targets = ids[:, :-1], ids[:, 1:]
        known = ops.logical_and(ops.not_equal(context, 0), ops.not_equal(targets, 0))
        return {"logits": self._logits(context, training), "targets": targets, "known": known}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the scores with the next ids, where there is one."""
        logits, targets, known = outputs["logits"], outputs["targets"], outputs["known"]
        right = ops.equal(ops.cast(ops.argmax(logits, axis=-1), targets.dtype), targets)
        return {
            "loss": distribute.mean(losses.token_cross_entropy(logits, targets), known),
            "accuracy": distribute.mean(right, known),
        }

    def logits(self, ids: Tensor) -> Tensor:
        """Return the scores of the next id after each place.

        Args:
            ids: Integer array `(n, length)`.

        Returns:
            Float32 tensor `(n, length, vocabulary)`.
        """
        return ops.cast(self._logits(self.as_input(ids), training=False), "float32")

    def generate(
        self,
        prompt_ids: Any,
        length: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        end: int | None = None,
        slide: bool = False,
    ) -> np.ndarray:
        """Write on: draw the next token again and again. Padding, id 0, is never drawn.

        The keys and values of the tokens before are kept, so that each token costs one step. Encoders that
        `encoders.cached` does not take are run on the whole text for each token.

        Args:
            prompt_ids: Integer array `(n, k)`, at least one token in each row; shorter ones are padded with 0.
            length: Number of tokens to write, at least 1.
            temperature: What scores are divided by; 0 takes the highest score each time. Default: 1.
            top_k: Draw among so many ids of the highest scores. Default: None, among all.
            top_p: Draw among the fewest ids whose probabilities sum to this, above 0 and at most 1. Default: None.
            seed: Seed of the draws. A row is drawn alike whatever other rows there are. Default: 0.
            end: The id after which a row ends. Default: None, none does.
            slide: Whether a text that outgrows the learned positions goes on with the last tokens that fit, which are
                then read anew for each token. Default: False, that is an error.

        Returns:
            Int32 array `(n, length)`: what follows each prompt, with 0 after `end`.

        Raises:
            UserError: If an argument is out of its range, a prompt is empty, or text and prompt are longer than the
                learned positions.

        Reference:
            `top_k`: Fan et al. 2018, "Hierarchical Neural Story Generation", section 5.1. `top_p`: Holtzman et al.
            2019, "The Curious Case of Neural Text Degeneration", section 3.1.
        """
        if self._generator is None:
            self._generator = Generator(self)
        return self._generator.write(prompt_ids, length, temperature, top_k, top_p, seed, end, slide)

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", "logits" and, if the encoder can be cached, "step".

        "logits" returns the scores of the next id after each place. "step" takes one token of each row as `ids`
        `(n, 1)`, the `cache`, and `position`, the number of tokens before; it returns `logits` `(n, 1, vocabulary)` and
        `next_cache`, the cache for the next step: see `encoders.cached`. The vectors of the ids are stored twice, as
        such and as the layer that scores.
        """
        ids = inputs_like(self.encoder)
        logits = keras.Model(
            ids, {"logits": scoring_layer(self.encoder)(parts(self.encoder).frames(ids))}, name="logits"
        )
        served = {**super().signatures(), "logits": (logits, specs_of(self.encoder))}
        if is_cacheable(self.encoder):
            step = self.step_network()
            served["step"] = (step, _step_specs(step, specs_of(self.encoder)))
        return served

    def step_network(self) -> keras.Model:
        """Return `encoders.cached` with `logits` in place of the frames. They keep the vectors of the ids of now.

        The cache that it returns is `next_cache`, since ONNX has one name for one tensor.
        """
        network = cached(self.encoder)
        outputs = network(network.input)
        logits = scoring_layer(self.encoder)(outputs["frames"])
        return keras.Model(network.input, {"logits": logits, "next_cache": outputs["cache"]}, name="step")

    def _logits(self, ids, training):
        return score_ids(self.encoder, parts(self.encoder).frames(ids, training=training))


def _one_longer(spec):
    return spec if spec.longest is None else dataclasses.replace(spec, longest=spec.longest + 1)


def _step_specs(step, of_ids):
    """What "step" takes: one token, the cache, and a position that is verified where every cache has room for it."""
    highest = 0 if of_ids.longest == 1 else 1
    return {
        "ids": dataclasses.replace(of_ids, shape=(None, 1), low=1, longest=None),
        "cache": Spec(tuple(step.input["cache"].shape)),
        "position": Spec((None,), "int32", 0, highest),
    }


def _check_causal(encoder, spec):
    """Raise if a frame changes with the id after it, in random rows."""
    length = min(6, spec.longest or 6)
    ids = dataclasses.replace(spec, low=1).sample(2, sizes=(length,))
    others = ids.copy()
    others[:, -1] = others[:, -1] % (spec.high or 2) + 1
    before, after = (ops.convert_to_numpy(parts(encoder).frames(x)[:, :-1]) for x in (ids, others))
    if not np.array_equal(before, after):
        raise UserError(
            "an encoder whose frames depend on no later id for CausalLanguageModel",
            f"'{encoder.name}', in which another id changes the frames before it",
            "build it with `causal=True`",
        )
