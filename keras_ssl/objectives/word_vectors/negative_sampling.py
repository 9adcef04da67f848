"""Word vectors from the words around each word, against words of noise: skip-gram and CBOW."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import losses
from keras_ssl.blocks import table_rows
from keras_ssl.checks import check_between, check_counts
from keras_ssl.distribute import mean
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.word_vectors.vocabulary import checked_counts, vectors_of, vocabulary_of, word_parts
from keras_ssl.specs import Specs, specs_of
from keras_ssl.typing import Batch, Tensor

__all__ = ["CBOW", "NegativeSampling", "SkipGram"]

_LARGEST = 2**31 - 1


class NegativeSampling(Objective):
    """What `SkipGram` and `CBOW` share: two tables of vectors, windows over rows of text, and words of noise.

    A row of a batch is a piece of text. Its words are centers and contexts at once, and share their words of noise, so
    that a step is a few products of matrices. The windows are weights of pairs, see `losses.window_weights`.

    Args:
        encoder: Built `keras.Model` of ids, whose `tokens` are vectors of its own width: `encoders.word_vectors`.
        counts: How often each id stands in the text, as many integers as there are ids, padding included with 0:
            `data.Contexts(…).counts(vocabulary)`.
        window: Largest distance of a context. Default: 5.
        negatives: How many words of noise a pair counts, above 0. Default: 5.
        noise: Words of noise that a row draws, which its places share, at least 1. Default: 32.
        power: Exponent of the counts in the probabilities of the noise. Default: 0.75.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder is another one, the counts do not fit it, or an argument is out of its range.
    """

    optional_keys = ("noise",)
    batches_call = "data.batches(data.Source(data.Contexts(stream)))"

    def __init__(
        self,
        encoder: keras.Model,
        counts: list[int] | np.ndarray,
        window: int = 5,
        negatives: float = 5.0,
        noise: int = 32,
        power: float = 0.75,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        self.parts = word_parts(encoder, type(self).__name__)
        vocabulary = vocabulary_of(encoder)
        self.counts = checked_counts(counts, vocabulary)
        check_counts(window=window, noise=noise)
        check_between("negatives", negatives, above=0)
        check_between("power", power, least=0)
        self.window, self.negatives, self.noise, self.power = window, negatives, noise, power
        self.output_vectors = self.add_weight(
            shape=(vocabulary, encoder.output_shape[-1]), initializer="zeros", name="output_vectors"
        )
        self._distribution = _cumulative(np.asarray(self.counts), power)

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """Ids under every key."""
        return dict.fromkeys(("input", "noise"), specs_of(self.encoder))

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Look up both vectors of each word, and those of the noise."""
        ids = batch["input"]
        noise = batch["noise"] if "noise" in batch else self._noise(ops.shape(ids)[0], training)
        vectors, keep = self.parts.embed(ids, training)
        outputs, noise = table_rows(self.output_vectors, ids), table_rows(self.output_vectors, noise)
        return {"vectors": vectors, "outputs": outputs, "noise": noise, "keep": keep}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean loss of a pair, or of CBOW of a word."""
        weights = losses.window_weights(outputs["keep"], self.window)
        values = self._compare(outputs["vectors"], outputs["outputs"], outputs["noise"], weights, self.negatives)
        return {"loss": mean(values, self._importance(weights))}

    def vectors(self) -> np.ndarray:
        """Return the vectors of all ids, float32 `(vocabulary, d)`."""
        return vectors_of(self.encoder)

    def _compare(self, *tensors):
        raise NotImplementedError

    def _importance(self, weights):
        raise NotImplementedError

    def _noise(self, rows, training):
        draws = keras.random.randint((rows * self.noise,), 0, _LARGEST, seed=self.draws(training))
        found = ops.searchsorted(ops.convert_to_tensor(self._distribution), draws, side="right")
        return ops.reshape(found, (rows, self.noise))


@keras.saving.register_keras_serializable("keras_ssl")
class SkipGram(NegativeSampling):
    """Predict the words around each word, against words of noise: word2vec's skip-gram.

    For the arguments see `NegativeSampling`. Rows of text, from which frequent words are left out, are made by
    `data.Contexts`; with `encoders.word_vectors(…, subwords=…)` this is fastText.

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", section 2.2.

    Departures:
        Pairs count with the probability that they are in a window, and noise with its expected number, where the paper
        draws: the expected gradient is the same. Words of noise may be among the contexts of the row.
    """

    def _compare(self, *tensors):
        return losses.skip_gram(*tensors)

    def _importance(self, weights):
        return ops.sum(weights, axis=-1)


@keras.saving.register_keras_serializable("keras_ssl")
class CBOW(NegativeSampling):
    """Predict each word from the mean of the vectors around it, against words of noise: word2vec's CBOW.

    For the arguments see `NegativeSampling`.

    Reference:
        Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.1.

    Departures:
        The mean has the expected weights of windows of random reach, where the paper's code draws the reach.
    """

    def _compare(self, *tensors):
        return losses.cbow(*tensors)

    def _importance(self, weights):
        return ops.cast(ops.any(weights > 0, axis=-1), "float32")


def _cumulative(counts, power):
    """Return the cumulative probabilities of the noise as integers, which are exact enough for millions of words."""
    chance = np.where(counts > 0, np.maximum(counts, 1.0) ** power, 0.0)
    return np.round(np.cumsum(chance) / chance.sum() * _LARGEST).astype("int32")
