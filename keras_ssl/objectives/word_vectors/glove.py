"""Word vectors from the counts of words that stand together: GloVe."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import losses
from keras_ssl.blocks import table_rows
from keras_ssl.checks import check_between
from keras_ssl.distribute import mean
from keras_ssl.errors import UserError
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.word_vectors.vocabulary import vectors_of, vocabulary_of, word_parts
from keras_ssl.specs import Spec, Specs
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["GloVe"]


@keras.saving.register_keras_serializable("keras_ssl")
class GloVe(Objective):
    """Fit the logarithms of how often words stand together by products of their vectors.

    A batch holds pairs of ids as "input" `(n, 2)`, word and context, and "count" `(n,)`, how often they stand together.
    The loss is half the mean of `f(x) (w · w̃ + b + b̃ - log x)²`, the cost that the paper's code reports.

    Args:
        encoder: Built `keras.Model` of ids, whose `tokens` are vectors of its own width: `encoders.word_vectors`.
        largest: Count from which on pairs have the same weight, above 0. Default: 100; the demo of the paper's code
            has 10.
        power: Exponent of the weight, at least 0. Default: 0.75.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder is another one, or an argument is out of its range.

    Reference:
        Pennington et al. 2014, "GloVe: Global Vectors for Word Representation", Eqs. 8 and 9.
    """

    batch_keys = ("input", "count")
    batches_call = "data.batches(data.cooccurrences(stream), columns=['count'])"

    def __init__(self, encoder: keras.Model, largest: float = 100.0, power: float = 0.75, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)
        self.parts = word_parts(encoder, type(self).__name__)
        check_between("largest", largest, above=0)
        check_between("power", power, least=0)
        self.largest, self.power = largest, power
        vocabulary, width = vocabulary_of(encoder), encoder.output_shape[-1]
        begin = keras.initializers.RandomUniform(-0.5 / width, 0.5 / width, seed=seed)
        self.context_vectors = self.add_weight(shape=(vocabulary, width), initializer=begin, name="context_vectors")
        self.biases = self.add_weight(shape=(vocabulary, 1), initializer="zeros", name="biases")
        self.context_biases = self.add_weight(shape=(vocabulary, 1), initializer="zeros", name="context_biases")

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """Pairs of ids, and one number for each."""
        return {"input": Spec((None, 2), "int32", 0, vocabulary_of(self.encoder) - 1, "ids"), "count": Spec((None,))}

    def check_array(self, key: str, array: Samples) -> None:
        """Check as `Objective.check_array` does, and check that counts are above 0: they have logarithms.

        Args:
            key: See `Objective.check_array`.
            array: See `Objective.check_array`.
        """
        super().check_array(key, array)
        if key == "count" and (array <= 0).any():
            raise UserError(
                "counts above 0",
                f"{array[array <= 0][0]:g} at index {np.argmax(array <= 0)}",
                f"use `{self.batches_call}`",
            )

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Score the pairs."""
        words, contexts = batch["input"][:, 0], batch["input"][:, 1]
        vectors, _ = self.parts.embed(words[:, None], training)
        vectors = ops.cast(ops.squeeze(vectors, axis=1), "float32")
        scores = ops.sum(vectors * table_rows(self.context_vectors, contexts), axis=-1)
        biases = table_rows(self.biases, words) + table_rows(self.context_biases, contexts)
        return {"scores": scores + ops.squeeze(biases, axis=1), "count": batch["count"]}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return half the mean of the weighted squared errors."""
        errors = losses.glove(outputs["scores"], outputs["count"], self.largest, self.power)
        return {"loss": 0.5 * mean(errors)}

    def vectors(self) -> np.ndarray:
        """Return the sums of both vectors of all ids, float32 `(vocabulary, d)`, as the paper's section 4.2 does."""
        return vectors_of(self.encoder) + ops.convert_to_numpy(self.context_vectors)
